# Installs BUILD below STAGE and moves the tree to PREFIX: nothing in it may know where it was.
file(REMOVE_RECURSE "${STAGE}" "${PREFIX}")
execute_process(COMMAND ${CMAKE_COMMAND} --install "${BUILD}" --prefix "${STAGE}"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${STAGE}" "${PREFIX}")

file(GLOB_RECURSE texts "${PREFIX}/*.cmake" "${PREFIX}/*.pc" "${PREFIX}/*.h")
if(NOT texts)
  message(FATAL_ERROR "nothing was installed below ${PREFIX}")
endif()
foreach(file IN LISTS texts)
  file(READ "${file}" content)
  foreach(place "${STAGE}" "${BUILD}")
    string(FIND "${content}" "${place}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${file} names ${place}: the tree cannot be moved")
    endif()
  endforeach()
endforeach()

# The command finds its libraries from there.
if(EXISTS "${PREFIX}/bin/fle")
  execute_process(COMMAND "${PREFIX}/bin/fle" --version OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endif()
