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

ONELOOP_EMBED(oneloop_index, ONELOOP_PAGE "/index.html");
ONELOOP_EMBED(oneloop_style, ONELOOP_PAGE "/style.css");
ONELOOP_EMBED(oneloop_icon, ONELOOP_PAGE "/icon.svg");
ONELOOP_EMBED(oneloop_page_js, ONELOOP_PAGE "/page.js");
ONELOOP_EMBED(oneloop_model_js, ONELOOP_PAGE "/model.js");
ONELOOP_EMBED(oneloop_notices_js, ONELOOP_PAGE "/notices.js");
ONELOOP_EMBED(oneloop_actions_js, ONELOOP_PAGE "/actions.js");
ONELOOP_EMBED(oneloop_view_js, ONELOOP_PAGE "/view.js");
ONELOOP_EMBED(oneloop_api_js, ONELOOP_PAGE "/api.js");
ONELOOP_EMBED(oneloop_dom_js, ONELOOP_PAGE "/dom.js");
ONELOOP_EMBED(oneloop_charts_js, ONELOOP_PAGE "/charts.js");
ONELOOP_EMBED(oneloop_text_js, ONELOOP_PAGE "/text.js");
ONELOOP_EMBED(oneloop_theme_js, ONELOOP_PAGE "/theme.js");
ONELOOP_EMBED(oneloop_openapi, ONELOOP_PAGE "/openapi.json");
// Chart.js (MIT), as Debian's libjs-chart.js has it; the notice is in its first line.
ONELOOP_EMBED(oneloop_chart_library, ONELOOP_CHART);

#define ONELOOP_BYTES(symbol) between(symbol, symbol##_end)

namespace oneloop::worker {
namespace {

std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

const Asset* find_asset(std::string_view name) {
    static const std::array assets = {
        Asset{"index.html", "text/html; charset=utf-8", ONELOOP_BYTES(oneloop_index)},
        Asset{"style.css", "text/css; charset=utf-8", ONELOOP_BYTES(oneloop_style)},
        Asset{"icon.svg", "image/svg+xml", ONELOOP_BYTES(oneloop_icon)},
        Asset{"page.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_page_js)},
        Asset{"model.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_model_js)},
        Asset{"notices.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_notices_js)},
        Asset{"actions.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_actions_js)},
        Asset{"view.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_view_js)},
        Asset{"api.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_api_js)},
        Asset{"dom.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_dom_js)},
        Asset{"charts.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_charts_js)},
        Asset{"text.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_text_js)},
        Asset{"theme.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_theme_js)},
        Asset{"openapi.json", "application/json", ONELOOP_BYTES(oneloop_openapi)},
        Asset{"chart.js", "text/javascript; charset=utf-8", ONELOOP_BYTES(oneloop_chart_library)},
    };
    for (const Asset& asset : assets) {
        if (asset.name == name) return &asset;
    }
    return nullptr;
}

}  // namespace oneloop::worker
