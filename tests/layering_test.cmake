# cmake -DROOT=<repository> -P layering_test.cmake: includes point one way only.
#
#   fle (base) <- bson <- schema <- bson_walk <- query;   base <- observe;   fle <- files <- kms;  bson <- kms;   all of them <- client <- c, mongoc, tools
#
# A line of the table: folder, our own headers that it may name, packages that it may name.
# A header that is not ours by the table is private: it lies in the folder of the file that names it, or is
# named from the folder of its part ("ring/key_cache.h"), and then the second table allows that room.
set(base "fle/(budget|bytes|did_you_mean|duration|errc|error_detail|export|failure|function|json_memory|longest|observe|over_budget|overlap|payload_header|report|result|same_text|seeded_hash|short_stack|single_flight|text|text_path|types|version|whole_number|wiped|work)\\.h")
set(core "fle/[a-z_]+\\.h")
set(table
  "fle/kernels        kernels/.*                                           openssl"
  "fle/internal       ${base}                                              none"
  "fle/include        ${core}                                              none"
  "fle/src            ${core}|kernels/.*                                   openssl"
  "observe            ${base}|fle/observe/.*                               none"
  "bson/include       ${base}|fle/bson/.*                                  none"
  "bson/bridge        ${base}|fle/bson/.*                                  bson"
  "bson/ground        ${base}|fle/bson/.*                                  none"
  "bson/json          ${base}|fle/bson/.*                                  bson|rapidjson"
  "schema             ${base}|json/syntax_errors\\.h|fle/(bson|schema)/.*                         rapidjson|pcre2"
  "bson_walk          ${base}|ground/value\\.h|fle/(bson|schema|bson_walk)/.*  none"
  "files              ${base}|fle/files/.*                                 none"
  "kms/include        ${core}|fle/kms/.*                                   none"
  "kms                ${core}|fle/(bson|kms|files)/.*                      bson|rapidjson|openssl|sqlite3|curl|mongoc"
  "query              ${base}|fle/(bson|schema|bson_walk|query)/.*         none"
  "client/include     ${core}|fle/(observe|bson|schema|bson_walk|kms|query|client)/.*         none"
  "client/src         ${core}|fle/(observe|bson|schema|bson_walk|kms|query|client)/.*         none"
  "c                  fle\\.h|${core}|fle/(bson|schema|bson_walk|kms|query|client)/.*  none"
  "mongoc      ${core}|fle/(observe|bson|schema|bson_walk|kms|query|client|mongoc)/.*  bson|mongoc"
  "tools              ${core}|ground/value\\.h|json/json_pieces\\.h|fle/(observe|bson|schema|bson_walk|kms|query|client|files)/.*|mongocrypt/mongocrypt\\.h|functions\\.h  bson|openssl|CLI|asio|zlib")
set(packages "openssl|bson|rapidjson|pcre2|sqlite3|curl|mongoc|mongocrypt|CLI|asio|zlib")

# Rooms of a part: part, room, rooms that it may name besides itself. A room without a line fails.
# A line may stand for one file, which sees what its room sees and more.
set(rooms
  "bson bridge/fle/bson none"
  "bson ground none"
  "bson json ground"
  "kms text none"
  "kms net text"
  "kms late text"
  "kms document text"
  "kms provider text|document"
  "kms provider/registry.cc kmip|cloud/aws|cloud/azure|cloud/gcp"
  "kms http text|net|late|provider"
  "kms cloud text|document|provider|http"
  "kms cloud/aws text|document|provider|http|cloud"
  "kms cloud/azure text|provider|http|cloud"
  "kms cloud/gcp text|provider|http|cloud"
  "kms cloud/roles text|document|provider|http|cloud|cloud/aws"
  "kms kmip text|net|document|provider"
  "kms ring text|net|document|provider"
  "kms vault text|late|document"
  "kms life text|net|document|provider|vault"
  "schema/src reading none"
  "schema/src plan none"
  "schema/src compile reading|plan"
  "client/src fields none"
  "client/src documents fields"
  "client/src driver fields|documents"
  "query ground none"
  "query match ground"
  "query pipeline ground|match"
  "query update ground|match|pipeline"
  "query command ground|match|pipeline|update"
  "query protocol none"
  "tools/fle bytes none"
  "tools/fle inputs bytes"
  "tools/fle outputs command_line|bytes|inputs"
  "tools/fle command_line options|terminal"
  "tools/fle options command_line|terminal|streams|commands|outputs"
  "tools/fle terminal command_line|options|streams"
  "tools/fle streams command_line|options|terminal|inputs"
  "tools/fle keys command_line|options|terminal|streams"
  "tools/fle commands command_line|options|streams|inputs"
  "tools/fle cipher command_line|options|terminal|streams|commands|outputs"
  "tools/fle schema_help command_line|options|terminal|streams|commands|keys"
  "tools/fle generate command_line|options|terminal|streams"
  "tools/fle manual command_line|options"
  "tools/fle census options|terminal|streams|commands"
  "tools/fle report command_line|options|terminal|streams|schema_help|census"
  "tools/cryptd protocol none"
  "tools/cryptd daemon none"
  "tools/cryptd daemon/main.cc protocol|server"
  "tools/cryptd server protocol|daemon"
  "tools/mongocrypt include none"
  "tools/mongocrypt original none"
  "tools/mongocrypt reading none"
  "tools/mongocrypt handle original|reading"
  "tools/mongocrypt work handle|original|reading"
  "tools/mongocrypt interface handle|work|original|reading")

# The part of `file` that has rooms, and its room; "" and "" where there is none.
function(room_of file part_var room_var)
  set(${part_var} "" PARENT_SCOPE)
  set(${room_var} "" PARENT_SCOPE)
  foreach(part bson schema/src client/src kms query tools/cryptd tools/fle tools/mongocrypt)
    if(NOT file MATCHES "/include/" AND file MATCHES "^${ROOT}/${part}/(.+)/[^/]+$")
      set(${part_var} "${part}" PARENT_SCOPE)
      set(${room_var} "${CMAKE_MATCH_1}" PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

set(wrong "")
set(n_includes 0)
foreach(row IN LISTS table)
  string(REGEX REPLACE " +" ";" row "${row}")
  list(GET row 0 folder)
  list(GET row 1 ours)
  list(GET row 2 foreign)
  file(GLOB_RECURSE files "${ROOT}/${folder}/*.h" "${ROOT}/${folder}/*.cc")
  foreach(file IN LISTS files)
    cmake_path(GET file PARENT_PATH here)
    cmake_path(GET file FILENAME name)
    room_of("${file}" part room)
    set(neighbors "")
    if(part)
      set(neighbors "no line")
      foreach(line IN LISTS rooms)
        if(line MATCHES "^${part} ${room} ([^ ]+)$")
          set(neighbors "${CMAKE_MATCH_1}")
        elseif(line MATCHES "^${part} ${room}/${name} ([^ ]+)$")
          string(APPEND neighbors "|${CMAKE_MATCH_1}")
        endif()
      endforeach()
      if(neighbors STREQUAL "no line")
        list(APPEND wrong "${file}: a room that is not in the table")
      endif()
    endif()
    file(STRINGS "${file}" includes REGEX "^ *# *include")
    foreach(line IN LISTS includes)
      math(EXPR n_includes "${n_includes} + 1")
      string(REGEX MATCH "[\"<]([^\">]+)[\">]" _ "${line}")
      set(name "${CMAKE_MATCH_1}")
      if(line MATCHES "\"")
        if(name MATCHES "^(${ours})$" OR (NOT name MATCHES "/" AND EXISTS "${here}/${name}"))
          continue()
        endif()
        if(part AND name MATCHES "^(${neighbors})/[^/]+$" AND EXISTS "${ROOT}/${part}/${name}")
          continue()
        endif()
      elseif(NOT name MATCHES "^(${packages})" OR name MATCHES "^(${foreign})")
        if(NOT name MATCHES "^(fle|kernels)/")
          continue()
        endif()
      endif()
      list(APPEND wrong "${file}: ${name}")
    endforeach()
  endforeach()
endforeach()

if(n_includes EQUAL 0)
  message(FATAL_ERROR "no sources below ROOT='${ROOT}'")
endif()
if(wrong)
  list(JOIN wrong "\n  " text)
  message(FATAL_ERROR "include points the wrong way:\n  ${text}")
endif()
