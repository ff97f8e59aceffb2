"""Conan 2 recipe of libfle, from the sources that it stands in: conan create packaging/conan

Options of the recipe are libfle's CMake options, by the same names in small letters.
"""

import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load
from conan.tools.gnu import PkgConfigDeps

# Option -> what it needs, as Conan Center names it.
OPTIONAL = {
    "with_sqlite": "sqlite3/[>=3.40 <4]",
    "with_mongoc": None,  # libmongoc comes with libbson, in mongo-c-driver
    "with_pcre2": "pcre2/[>=10.42 <11]",
    "with_curl": "libcurl/[>=7.88 <9]",
}
# Of the commands.
OF_TOOLS = ["cli11/[>=2.1 <3]", "asio/[>=1.22 <2]", "zlib/[>=1.2.13 <2]"]


class LibfleConan(ConanFile):
    name = "libfle"
    license = "Apache-2.0"
    description = "Client-side field level encryption, byte-compatible with MongoDB CSFLE"
    topics = ("encryption", "mongodb", "bson", "csfle")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "tools": [True, False], **{o: [True, False] for o in OPTIONAL}}
    default_options = {"shared": False, "tools": False, **{o: True for o in OPTIONAL},
                       # Its static libraries have other pkg-config names.
                       "mongo-c-driver/*:shared": True}

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self._root, "CMakeLists.txt"))
        self.version = re.search(r"project\(libfle VERSION ([0-9.]+)", text).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "*.cmake", "*.in", "*.h", "*.cc", "*.map", "*.1"):
            copy(self, pattern, self._root, self.export_sources_folder, excludes=("build/*", "tests/*"))
        for folder in ("fle", "observe", "bson", "schema", "bson_walk", "files", "kms", "query", "client", "c", "mongoc", "tools", "cmake"):
            copy(self, "*", os.path.join(self._root, folder), os.path.join(self.export_sources_folder, folder))

    def requirements(self):
        self.requires("openssl/[>=3 <4]")
        self.requires("mongo-c-driver/[>=1.23 <2]")
        self.requires("rapidjson/[>=1.1]")
        for option, package in OPTIONAL.items():
            if package and self.options.get_safe(option):
                self.requires(package)
        if self.options.tools:
            for package in OF_TOOLS:
                self.requires(package)

    def build_requirements(self):
        self.tool_requires("pkgconf/[>=1.8]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["FLE_TOOLS"] = bool(self.options.tools)
        for option in OPTIONAL:
            toolchain.cache_variables["FLE_" + option.upper()] = bool(self.options.get_safe(option))
        toolchain.generate()
        CMakeDeps(self).generate()
        modules = PkgConfigDeps(self)
        modules.set_property("rapidjson", "pkg_config_name", "RapidJSON")
        modules.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        # libfle's own CMake package, with its components, is what consumers find.
        self.cpp_info.builddirs.append(os.path.join("lib", "cmake", "libfle"))
        self.cpp_info.set_property("cmake_find_mode", "none")
