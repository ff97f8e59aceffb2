# vcpkg port of libfle, an overlay over the sources that it stands in:
#   vcpkg install libfle --overlay-ports=libfle/packaging/vcpkg
set(SOURCE_PATH "${CURRENT_PORT_DIR}/../..")

vcpkg_check_features(OUT_FEATURE_OPTIONS feature_options FEATURES
  curl FLE_WITH_CURL
  mongoc FLE_WITH_MONGOC
  pcre2 FLE_WITH_PCRE2
  sqlite FLE_WITH_SQLITE
  tools FLE_TOOLS)

vcpkg_find_acquire_program(PKGCONFIG)
vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS ${feature_options} "-DPKG_CONFIG_EXECUTABLE=${PKGCONFIG}")
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME libfle CONFIG_PATH lib/cmake/libfle)
vcpkg_fixup_pkgconfig()
if("tools" IN_LIST FEATURES)
  vcpkg_copy_tools(TOOL_NAMES fle fle-cryptd AUTO_CLEAN)
endif()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
