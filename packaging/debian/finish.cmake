# Run by cpack before it packs what was installed in its folder: manuals and changelogs are compressed
# as Debian has them, with nothing of the time or place of the build, and nothing of its umask is left.
execute_process(COMMAND chmod -R u=rwX,go=rX "${CPACK_TEMPORARY_DIRECTORY}" COMMAND_ERROR_IS_FATAL ANY)
file(GLOB pages "${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/man/*/*[0-9]"
  "${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/doc/*/changelog*")
if(NOT pages)
  message(FATAL_ERROR "no manuals and changelogs in ${CPACK_TEMPORARY_DIRECTORY}")
endif()
foreach(page IN LISTS pages)
  if(NOT page MATCHES "\\.gz$")
    execute_process(COMMAND gzip -9nf "${page}" COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
