include_guard(GLOBAL)

# For those who build libfle again and again from nothing: the standard headers that most files name,
# compiled once. No source relies on it: the other presets and an embedder's build are without. Builds
# that belong together, like those of the packaging tests, use the header of one of them, so that a
# compiler cache knows their files by the same command.
option(FLE_PRECOMPILE "Precompile the standard headers (GCC, Clang)" OFF)
set(FLE_PRECOMPILED "" CACHE FILEPATH "Such a header, from another build with the same flags")
mark_as_advanced(FLE_PRECOMPILE FLE_PRECOMPILED)
function(fle_precompile target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND FLE_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM fle_std_headers)
    return()
  endif()
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR NOT (FLE_PRECOMPILE OR FLE_PRECOMPILED))
    return()
  endif()
  set(header "${FLE_PRECOMPILED}")
  if(NOT header)
    set(header "${libfle_BINARY_DIR}/CMakeFiles/fle_std_headers.dir/cmake_pch.hxx")
    add_dependencies(${target} fle_std_headers_made)
  endif()
  # -fpch-preprocess is what ccache needs. GCC no longer knows which code is of a system header, and
  # warns in it; builds without this have those warnings.
  target_compile_options(${target} PRIVATE "SHELL:-include ${header}"
    -fpch-preprocess -Wno-stringop-overflow -Wno-array-bounds)
endfunction()

# fle_runpath(<target> <path>): where an installed target looks for libfle's shared libraries, wherever
# the tree is moved to. CMake gives what stands in the build tree another path, and leaves room for this
# one by colons: behind a colon with nothing behind it, the dynamic linker looks in the working directory,
# for libcrypto as well. Without shared libraries of ours nothing needs another path there.
function(fle_runpath target path)
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "${path}")
  if(NOT BUILD_SHARED_LIBS)
    set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON)
  endif()
endfunction()

# fle_library(<name> SOURCES ... [HEADERS ...] DEPS ... PRIVATE_DEPS ...): one installed component.
# Public headers are everything under <folder>/include unless HEADERS lists them; they install as
# <fle/...>.
function(fle_library name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS")
  set(target fle_${name})
  set(base "${CMAKE_CURRENT_SOURCE_DIR}/include")
  if(ARG_HEADERS)
    list(TRANSFORM ARG_HEADERS PREPEND "${base}/" OUTPUT_VARIABLE headers)
  else()
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${base}/*.h")
  endif()
  if(ARG_SOURCES)
    add_library(${target} ${ARG_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(libfle::${name} ALIAS ${target})
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS "${base}" FILES ${headers})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_link_libraries(${target} ${scope} ${ARG_DEPS})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
  if(ARG_SOURCES)
    # Only headers: consumers of an installed static libfle need not have it.
    list(TRANSFORM ARG_PRIVATE_DEPS REPLACE "^PkgConfig::FLE_RAPIDJSON$"
      "$<BUILD_INTERFACE:PkgConfig::FLE_RAPIDJSON>")
    target_link_libraries(${target} PRIVATE ${ARG_PRIVATE_DEPS})
    fle_compiled_part(${target})
    target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/src")
    set_target_properties(${target} PROPERTIES
      OUTPUT_NAME fle_${name} VERSION ${PROJECT_VERSION}
      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    fle_runpath(${target} "$<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>")
    if(BUILD_SHARED_LIBS AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
      set(map "${libfle_BINARY_DIR}/libfle.map")
      configure_file("${libfle_SOURCE_DIR}/cmake/libfle.map.in" "${map}" @ONLY)
      target_link_options(${target} PRIVATE "LINKER:--version-script=${map}")
      set_target_properties(${target} PROPERTIES LINK_DEPENDS "${map}")
    endif()
  endif()
  set_property(GLOBAL APPEND PROPERTY FLE_INSTALLED ${target})
endfunction()

# A target of our own code: it sees the private headers of its folder, may stand in a shared
# library, and shows nothing that does not say FLE_API.
function(fle_compiled_part target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON DEFINE_SYMBOL ""
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  fle_warnings(${target})
  fle_hardening(${target})
  # A project around libfle may do without these; libfle catches what runs out of memory.
  get_directory_property(options COMPILE_OPTIONS)
  if("${CMAKE_CXX_FLAGS} ${options}" MATCHES "-fno-(exceptions|rtti)")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fexceptions$<SEMICOLON>-frtti>)
  endif()
  # In a sanitizer's build without optimization ciphers would take fifteen times as long, and tests of large
  # documents minutes.
  if(target STREQUAL "fle_core" AND CMAKE_BUILD_TYPE STREQUAL "Debug" AND "${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize=")
    target_compile_options(${target} PRIVATE -O1)
  endif()
  if(NOT target MATCHES "^fle_(core|std_headers)$")  # the core's files name few headers
    fle_precompile(${target})
    if(target MATCHES "^fle_kms")  # a third of the library's time, and none of its speed
      fle_unity(${target})
    elseif(NOT target MATCHES "^fle_(query|mongoc)$")  # too many names twice
      set_target_properties(${target} PROPERTIES UNITY_BUILD ${FLE_UNITY_LIBRARY})
    endif()
  endif()
endfunction()

# fle_archives(<variable> <part>...): static libraries of components, in the order of the linker, for
# what is loaded into programs of others and brings all that it needs. In a build of shared libraries
# they are made of the same objects, which may stand in either; what these are linked with is then the
# caller's to name.
function(fle_archives variable)
  set(archives "")
  foreach(part IN LISTS ARGN)
    if(NOT BUILD_SHARED_LIBS)
      list(APPEND archives fle_${part})
      continue()
    endif()
    if(NOT TARGET fle_${part}_archive)
      add_library(fle_${part}_archive STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:fle_${part}>)
      set_target_properties(fle_${part}_archive PROPERTIES LINKER_LANGUAGE CXX)
    endif()
    list(APPEND archives fle_${part}_archive)
  endforeach()
  set(${variable} ${archives} PARENT_SCOPE)
endfunction()

# For those who build libfle again and again from nothing: some files of a target compiled as one. In
# it, what a file includes is there for the next, and a name of one must not be another's, too: only
# what asks for it by this function. All of the library is compiled like this for sanitizers alone, where
# what takes the time is the same headers again, so that what is measured is compiled as users compile
# it; files whose names are another's, too, are left out of it.
option(FLE_UNITY "Compile programs, tests and KMS in few units" OFF)
option(FLE_UNITY_LIBRARY "Compile all of the library in few units, too" OFF)
mark_as_advanced(FLE_UNITY FLE_UNITY_LIBRARY)
function(fle_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${FLE_UNITY})
endfunction()
# fle_alone(<file>...): of the folder's sources, those that no unit takes.
function(fle_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# What a program that holds plaintext should be built with; tests/hardening_test.cmake reads it in the
# results. Of a static library the linker's part is its user's business.
#
# Without a PLT, and bound at the start: the dynamic linker, when it resolves a function at its first
# call, stores all vector registers on the stack, where whatever of a value or key is in them stays.
function(fle_hardening target)
  target_compile_options(${target} PRIVATE -fstack-protector-strong -fno-plt)
  # Needs an optimizer, and does not go together with a sanitizer's own checks.
  if(NOT "${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize|_FORTIFY_SOURCE")
    target_compile_definitions(${target} PRIVATE
      "$<$<AND:$<NOT:$<CONFIG:Debug>>,$<NOT:$<CONFIG:None>>,$<NOT:$<CONFIG:>>>:_FORTIFY_SOURCE=2>")
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_options(${target} PRIVATE -pie)
  endif()
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    target_link_options(${target} PRIVATE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
  endif()
endfunction()

# Our own warnings, on our own targets only. GCC 12 at -O3 sees overlapping copies in std::string
# (GCC bug 105651) and endless comparisons in std::vector where there are none; GCC 13 does not.
# In a unity build no file is the main one, whose types GCC knows to be seen by nobody else.
function(fle_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-stringop-overread>
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wno-subobject-linkage>
    $<$<BOOL:${FLE_WERROR}>:-Werror>)
endfunction()

if(FLE_PRECOMPILE AND NOT FLE_PRECOMPILED)
  add_library(fle_std_headers OBJECT EXCLUDE_FROM_ALL cmake/std_headers.cc)
  target_precompile_headers(fle_std_headers PRIVATE <algorithm> <array> <functional> <map> <memory>
    <mutex> <optional> <span> <string> <string_view> <unordered_map> <variant> <vector>)
  fle_compiled_part(fle_std_headers)
  # Who depends on a library waits, under Ninja, for what its sources need and not for the library: a file
  # would be compiled while the header is written ("cannot read PCH file"). A custom target is waited for.
  add_custom_target(fle_std_headers_made DEPENDS $<TARGET_OBJECTS:fle_std_headers>)
endif()
