# What libfle is made of, as an SPDX 2.3 document in JSON: libfle.spdx.json in the build folder, installed
# with it. Whoever asks for a package by fle_uses() is in it.

# fle_uses(<name> <version> <SPDX license> <DYNAMIC_LINK|STATIC_LINK|BUILD_TOOL_OF>): this build uses it.
# Headers that are compiled in count as linked statically.
function(fle_uses name version license how)
  set_property(GLOBAL APPEND PROPERTY FLE_USES "${name}|${version}|${license}|${how}")
endfunction()

# fle_write_sbom(<file>)
function(fle_write_sbom file)
  set(packages "")
  set(relationships "")
  macro(add_package id name version license)
    list(APPEND packages "    {\"name\": \"${name}\", \"SPDXID\": \"SPDXRef-${id}\", \"versionInfo\": \"${version}\",
     \"downloadLocation\": \"NOASSERTION\", \"filesAnalyzed\": false,
     \"licenseConcluded\": \"NOASSERTION\", \"licenseDeclared\": \"${license}\", \"copyrightText\": \"NOASSERTION\",
     \"externalRefs\": [{\"referenceCategory\": \"PACKAGE-MANAGER\", \"referenceType\": \"purl\",
       \"referenceLocator\": \"pkg:generic/${id}@${version}\"}]}")
  endmacro()
  macro(add_relationship from type to)
    list(APPEND relationships "    {\"spdxElementId\": \"SPDXRef-${from}\", \"relationshipType\": \"${type}\", \"relatedSpdxElement\": \"SPDXRef-${to}\"}")
  endmacro()
  add_package(libfle libfle "${PROJECT_VERSION}" Apache-2.0)
  add_relationship(DOCUMENT DESCRIBES libfle)
  get_property(uses GLOBAL PROPERTY FLE_USES)
  list(SORT uses)
  list(REMOVE_DUPLICATES uses)
  foreach(use IN LISTS uses)
    string(REPLACE "|" ";" use "${use}")
    list(GET use 0 name)
    list(GET use 1 version)
    list(GET use 2 license)
    list(GET use 3 how)
    string(TOLOWER "${name}" id)
    string(REGEX REPLACE "[^a-z0-9.]+" "-" id "${id}")
    add_package(${id} "${name}" "${version}" "${license}")
    if(how STREQUAL "BUILD_TOOL_OF")
      add_relationship(${id} ${how} libfle)
    else()
      add_relationship(libfle ${how} ${id})
    endif()
  endforeach()
  list(JOIN packages ",\n" packages)
  list(JOIN relationships ",\n" relationships)
  # Documents that differ have different names.
  string(UUID uuid NAMESPACE 6ba7b811-9dad-11d1-80b4-00c04fd430c8 NAME "${packages}${relationships}" TYPE SHA1)
  string(TIMESTAMP created "%Y-%m-%dT%H:%M:%SZ" UTC)  # SOURCE_DATE_EPOCH, where that is set
  file(CONFIGURE OUTPUT "${file}" @ONLY CONTENT [[{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "libfle-@PROJECT_VERSION@",
  "documentNamespace": "urn:uuid:@uuid@",
  "creationInfo": {"created": "@created@", "creators": ["Organization: libfle", "Tool: CMake-@CMAKE_VERSION@"]},
  "packages": [
@packages@
  ],
  "relationships": [
@relationships@
  ]
}
]])
endfunction()
