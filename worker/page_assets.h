// page_assets: the page's files, part of the program.
//
// Taken from worker/page and from Debian's chart library when the program is built
// (CMakeLists.txt). Constant; any thread.
#pragma once

#include <string_view>

namespace oneloop::worker {

struct Asset {
    std::string_view name;  // "page.js"
    std::string_view type;  // content type
    std::string_view bytes;
};

// nullptr: there is none of this name.
const Asset* find_asset(std::string_view name);

}  // namespace oneloop::worker
