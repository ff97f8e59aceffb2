# cmake -DLIBRARY=<mongo_crypt_v1.so> -DHEADER=<its header> -DNM= -DREADELF= -P exports_test.cmake:
# what the library shows to others is what its header declares, and it stands on its own.
file(STRINGS "${HEADER}" declarations REGEX "mongo_crypt_v1_[a-z_]+\\(")
set(declared "")
foreach(line IN LISTS declarations)
  # Of a declaration, its first line or the one after a type that fills a line; not of a comment.
  if(line MATCHES "^(MONGO_CRYPT_V1_API .*|    )(mongo_crypt_v1_[a-z_]+)\\(")
    list(APPEND declared "${CMAKE_MATCH_2}")
  endif()
endforeach()
list(SORT declared)
list(LENGTH declared n)
if(NOT n EQUAL 13)
  message(FATAL_ERROR "the interface has 13 functions, ${HEADER} declares ${n}: ${declared}")
endif()

execute_process(COMMAND "${NM}" -D --defined-only "${LIBRARY}"
  OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" lines "${table}")
set(exported "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE "^[0-9a-f]+ [A-Za-z] ([^@]+).*$" "\\1" name "${line}")
  list(APPEND exported "${name}")
endforeach()
list(SORT exported)
if(NOT exported STREQUAL declared)
  message(FATAL_ERROR "exported:\n  ${exported}\ndeclared:\n  ${declared}")
endif()

cmake_path(GET LIBRARY FILENAME name)
if(NOT name STREQUAL "mongo_crypt_v1.so")
  message(FATAL_ERROR "drivers look for mongo_crypt_v1.so, this is ${name}")
endif()
execute_process(COMMAND "${READELF}" -d "${LIBRARY}"
  OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
if(dynamic MATCHES "\\[libfle[^]]*\\]")
  message(FATAL_ERROR "it needs ${CMAKE_MATCH_0}, which a driver's process does not have")
endif()
