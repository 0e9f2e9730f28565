#include "supervisor/activation.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdlib>

namespace oneloop {
namespace {

constexpr const char* prefix = "oneloop ";

}  // namespace

std::vector<GivenSocket> take_given_sockets() {
    char** names = nullptr;
    const int count = ::sd_listen_fds_with_names(1, &names);
    std::vector<GivenSocket> sockets;
    for (int i = 0; i < count; ++i) {
        sockets.push_back({UniqueFd(SD_LISTEN_FDS_START + i), names[i]});
        std::free(names[i]);
    }
    std::free(names);
    return sockets;
}

std::optional<std::string> keep_name(const SocketSpec& spec) {
    std::string name = prefix + spec.name + " " + spec.address();
    // A colon separates names in LISTEN_FDNAMES.
    std::replace(name.begin(), name.end(), ':', '|');
    const auto printable = [](char c) { return c >= ' ' && c < 127; };
    if (name.size() > 255 || !std::all_of(name.begin(), name.end(), printable)) return std::nullopt;
    return name;
}

bool is_keep_name(const std::string& name) {
    return name.starts_with(prefix);
}

}  // namespace oneloop
