# Builds SOURCE with one call of COMPILE, flags from libfle.pc of the tree at PREFIX, and runs it.
set(ENV{PKG_CONFIG_PATH} "${PREFIX}/${LIBDIR}/pkgconfig:$ENV{PKG_CONFIG_PATH}")
execute_process(COMMAND ${PKG_CONFIG} ${PKG_CONFIG_FLAGS} --cflags --libs libfle
  OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
separate_arguments(COMPILE UNIX_COMMAND "${COMPILE}")
execute_process(COMMAND ${COMPILE} "${SOURCE}" -o "${OUT}" ${flags}
  COMMAND_ERROR_IS_FATAL ANY)
set(ENV{LD_LIBRARY_PATH} "${PREFIX}/${LIBDIR}:$ENV{LD_LIBRARY_PATH}")
execute_process(COMMAND "${OUT}" COMMAND_ERROR_IS_FATAL ANY)
