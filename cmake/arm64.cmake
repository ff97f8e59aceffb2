# Toolchain: ARM64 programs from Debian's cross compiler, run by qemu-user. `./run arm64` unpacks the
# packages of that architecture below build/, so that dpkg need not know of it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++-12)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(fle_sysroot "${CMAKE_CURRENT_LIST_DIR}/../build/arm64-sysroot")
cmake_path(NORMAL_PATH fle_sysroot)
# OpenSSL's headers that depend on the architecture; the compiler brings those of libc along.
set(CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES "${fle_sysroot}/usr/include/aarch64-linux-gnu")
set(CMAKE_FIND_ROOT_PATH "${fle_sysroot}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${fle_sysroot}")
set(ENV{PKG_CONFIG_LIBDIR}
  "${fle_sysroot}/usr/lib/aarch64-linux-gnu/pkgconfig:${fle_sysroot}/usr/share/pkgconfig")

set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L "${fle_sysroot}")
