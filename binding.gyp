# The Node addon: the core, hiredis and libev compiled with bindings/node. `make build` runs this;
# by hand: npx node-gyp rebuild --nodedir=<where node's include/ is>
{
  "targets": [
    {
      "target_name": "interrex_third_party",
      "type": "static_library",
      "sources": ["<!@(cat core/third_party.txt)"],
      "include_dirs": ["third_party", "third_party/libev"],
      "defines": ["EV_STANDALONE=1", "EV_USE_IOURING=0", "EV_USE_LINUXAIO=0"],
      "direct_dependent_settings": {
        "include_dirs": ["third_party", "third_party/libev"],
        "defines": ["EV_STANDALONE=1", "EV_USE_IOURING=0", "EV_USE_LINUXAIO=0"]
      },
      "cflags": ["-w", "-fPIC", "-fvisibility=hidden"],
      "xcode_settings": {"GCC_SYMBOLS_PRIVATE_EXTERN": "YES"}
    },
    {
      "target_name": "interrex",
      "dependencies": ["interrex_third_party"],
      "sources": ["<!@(ls bindings/node/*.cc)", "<!@(cat core/sources.txt)"],
      "include_dirs": [
        "core/include",
        "core",
        "<(SHARED_INTERMEDIATE_DIR)",
        "<!(node -p \"require('node-addon-api').include_dir\")"
      ],
      "defines": ["_GNU_SOURCE", "NAPI_VERSION=8", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "actions": [
        {
          "action_name": "embed",
          "message": "Embedding Lua and SQL",
          "inputs": [
            "scripts/embed.py",
            "<!@(find core/medium -name '*.lua' -o -name '*.sql')"
          ],
          "outputs": ["<(SHARED_INTERMEDIATE_DIR)/interrex_embedded.h"],
          "action": ["python3", "scripts/embed.py", "<@(_outputs)"]
        }
      ],
      "cflags": ["-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden"],
      "cflags_c": ["-std=c11"],
      "cflags_cc!": ["-fno-exceptions"],
      "cflags_cc": ["-std=c++17", "-fexceptions"],
      "ldflags": ["-Wl,--exclude-libs,ALL", "-Wl,-Bsymbolic"],
      "xcode_settings": {
        "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
        "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "MACOSX_DEPLOYMENT_TARGET": "12.0"
      }
    }
  ]
}
