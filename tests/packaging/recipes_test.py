#!/usr/bin/env python3
"""recipes_test.py ROOT: the Conan recipe and the vcpkg port say what CMake says.

Conan and vcpkg are not needed: the recipe is loaded with stand-ins for the modules of Conan.
"""

import json
import pathlib
import re
import sys
import types

root = pathlib.Path(sys.argv[1])
cmake = {p: p.read_text() for p in [root / "CMakeLists.txt", *sorted((root / "cmake").glob("*.cmake"))]}
version = re.search(r"project\(libfle VERSION ([0-9.]+)", cmake[root / "CMakeLists.txt"]).group(1)
license_ = "Apache-2.0"
optional = set(re.findall(r"^fle_optional\((FLE_WITH_\w+)", "\n".join(cmake.values()), re.M))
options = optional | set(re.findall(r"option\((FLE_\w+)", "\n".join(cmake.values())))
assert len(optional) >= 5 and "FLE_TOOLS" in options, options


class ConanFile:
    recipe_folder = str(root / "packaging/conan")


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


used = {}


class Toolchain:
    def __init__(self, _recipe):
        self.cache_variables = used

    def generate(self):
        pass

    def set_property(self, *_names):
        pass


stand_in("conan", ConanFile=ConanFile)
stand_in("conan.tools")
stand_in("conan.tools.cmake", CMake=object, CMakeDeps=Toolchain, CMakeToolchain=Toolchain, cmake_layout=None)
stand_in("conan.tools.files", copy=None, load=lambda _recipe, path: pathlib.Path(path).read_text())
stand_in("conan.tools.gnu", PkgConfigDeps=Toolchain)
recipe_path = root / "packaging/conan/conanfile.py"
namespace = {}
exec(compile(recipe_path.read_text(), recipe_path, "exec"), namespace)
recipe = namespace["LibfleConan"]()
recipe.set_version()
assert recipe.version == version, (recipe.version, version)
assert recipe.license == license_
assert set(recipe.default_options) - {"mongo-c-driver/*:shared"} == set(recipe.options)


class Chosen(dict):
    get_safe = dict.get
    tools = True


def requires(tools):
    asked = []
    recipe.options = Chosen({o: True for o in type(recipe).options})
    recipe.options.tools = tools
    recipe.requires = asked.append
    recipe.requirements()
    return {a.split("/")[0] for a in asked}


recipe.options = Chosen({o: o != "with_sqlite" for o in type(recipe).options})
recipe.generate()
assert set(used) == {"FLE_TOOLS", *optional - {"FLE_WITH_ZLIB"}}, used  # zlib is of the command
assert used["FLE_WITH_SQLITE"] is False and used["FLE_WITH_CURL"] is True
library = {"openssl", "mongo-c-driver", "rapidjson", "sqlite3", "pcre2", "libcurl"}
assert requires(False) == library, requires(False)
assert requires(True) == library | {"cli11", "asio", "zlib"}
# Every folder that CMake adds without tests is exported.
added = set(re.findall(r"^add_subdirectory\((\w+)\)", cmake[root / "CMakeLists.txt"], re.M))
exported = set(re.search(r"for folder in \(([^)]*)\)", recipe_path.read_text()).group(1).replace('"', "").split(", "))
assert added <= exported and all((root / f).is_dir() for f in exported), (added, exported)

port = json.loads((root / "packaging/vcpkg/vcpkg.json").read_text())
assert port["version"] == version and port["license"] == license_
assert port["description"] == recipe.description
portfile = (root / "packaging/vcpkg/portfile.cmake").read_text()
features = dict(re.findall(r"^  (\w+) (FLE_\w+)", portfile, re.M))
assert set(features) == set(port["features"]), features
assert set(features.values()) == set(used), features
assert set(port["default-features"]) == set(features) - {"tools"}
changelog = (root / "packaging/debian/changelog").read_text()
assert changelog.startswith(f"libfle ({version}-"), changelog.splitlines()[0]
print(f"recipes: {version}, {len(features)} options")
