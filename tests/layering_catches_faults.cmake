# cmake -DTEST=<layering_test.cmake> -DWORK=<folder> -P: a test that cannot fail proves nothing.
# Each fault is planted alone in a small tree and must be reported.
set(faults
  "bson/json/a.cc|\"fle/secret.h\""
  "bson/json/a.cc|\"fle/schema/plan.h\""
  "bson/ground/a.cc|<bson/bson.h>"
  "bson/ground/a.cc|\"json/numbers.h\""
  "bson/include/fle/bson/a.h|<bson/bson.h>"
  "schema/src/a.cc|\"fle/secret.h\""
  "schema/src/a.cc|<bson/bson.h>"
  "schema/include/fle/schema/a.h|\"fle/bson_walk/walk.h\""
  "bson_walk/src/a.cc|\"fle/batch.h\""
  "bson_walk/src/a.cc|<openssl/evp.h>"
  "fle/kernels/a.cc|\"fle/bytes.h\""
  "fle/src/a.cc|\"fle/kms/provider.h\""
  "fle/src/a.cc|<fle/kms/provider.h>"
  "fle/src/a.cc|<bson/bson.h>"
  "kms/ring/a.cc|\"fle/client/document_cipher.h\""
  "kms/document/a.cc|\"kmip/kmip_client.h\""
  "kms/cellar/a.cc|<vector>"
  "kms/include/fle/kms/a.h|\"fle/files/trust.h\""
  "client/src/a.cc|\"kernels/kernel.h\""
  "tools/fle/commands/a.cc|\"keys/key_text.h\""
  "tools/fle/commands/a.cc|\"not_here.h\"")
foreach(fault IN LISTS faults)
  string(REPLACE "|" ";" fault "${fault}")
  list(GET fault 0 file)
  list(GET fault 1 include)
  file(REMOVE_RECURSE "${WORK}")
  file(WRITE "${WORK}/${file}" "#include <vector>\n#include ${include}\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${WORK} -P "${TEST}"
    RESULT_VARIABLE status ERROR_VARIABLE report OUTPUT_QUIET)
  if(status EQUAL 0 OR NOT report MATCHES "wrong way")
    message(FATAL_ERROR "not caught: ${include} in ${file}")
  endif()
endforeach()

file(REMOVE_RECURSE "${WORK}")
file(WRITE "${WORK}/schema/src/a.cc" "#include \"fle/bytes.h\"\n#include <rapidjson/reader.h>\n")
execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${WORK} -P "${TEST}" COMMAND_ERROR_IS_FATAL ANY)

# A line for one file lets that file alone see more than its room.
foreach(file registry.cc other.cc)
  file(REMOVE_RECURSE "${WORK}")
  file(WRITE "${WORK}/kms/kmip/a.h" "#include <vector>\n")
  file(WRITE "${WORK}/kms/provider/${file}" "#include \"kmip/a.h\"\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${WORK} -P "${TEST}"
    RESULT_VARIABLE status ERROR_VARIABLE report OUTPUT_QUIET)
  if(file STREQUAL "registry.cc" AND NOT status EQUAL 0)
    message(FATAL_ERROR "refused, but the table allows it: kmip/a.h in kms/provider/registry.cc")
  elseif(file STREQUAL "other.cc" AND NOT report MATCHES "wrong way")
    message(FATAL_ERROR "not caught: kmip/a.h in kms/provider/other.cc")
  endif()
endforeach()
