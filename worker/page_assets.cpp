#include "worker/page_assets.h"

#include <array>

// The assembler reads the files, so that 200 kB of JavaScript are not compiled as a table of
// numbers. Paths are relative to nothing of the machine's that ends up in the program.
#define ONELOOP_EMBED(symbol, path)                                      \
    asm(".section .rodata\n" #symbol ":\n.incbin \"" path "\"\n" #symbol \
        "_end:\n.byte 0\n"                                               \
        ".previous\n");                                                  \
    extern const char symbol[] asm(#symbol);                             \
    extern const char symbol##_end[] asm(#symbol "_end")

ONELOOP_EMBED(oneloop_openapi, ONELOOP_PAGE "/openapi.json");

namespace oneloop::worker {
namespace {

std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

const Asset* find_asset(std::string_view name) {
    static const std::array assets = {
        Asset{"openapi.json", "application/json", between(oneloop_openapi, oneloop_openapi_end)},
    };
    for (const Asset& asset : assets) {
        if (asset.name == name) return &asset;
    }
    return nullptr;
}

}  // namespace oneloop::worker
