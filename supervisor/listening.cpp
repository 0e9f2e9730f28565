#include "supervisor/listening.h"

#include <algorithm>
#include <utility>

#include "common/log.h"

namespace oneloop {
namespace {

// What of `wanted` a unit's socket stands for; added when nothing of it.
Result<SocketSpec> spec_for(const GivenSocket& given, const std::string& address,
                            std::vector<SocketSpec>& wanted) {
    const auto same = std::find_if(wanted.begin(), wanted.end(), [&](const SocketSpec& spec) {
        return spec.name == given.name || spec.address() == address;
    });
    if (same != wanted.end()) {
        if (same->address() != address) {
            log::info("socket {}: the service manager's {} takes the place of {}", same->name,
                      address, same->address());
        }
        return *same;
    }
    auto spec = parse_socket("x=" + address);
    if (!spec) {
        return fail("socket " + given.name +
                    " of the service manager: no stream socket with an "
                    "address");
    }
    spec->name = given.name;
    wanted.push_back(*spec);
    return *spec;
}

// Without a word: that it is not kept costs nothing before the next restart, and then it is bound.
void give_to_keep(const ServiceManager& manager, const ListenSocket& socket) {
    if (const auto name = keep_name(socket.spec))
        (void)tell(manager, notify::keep(*name), socket.fd.get());
}

std::optional<ListenSocket> take_kept(std::vector<GivenSocket>& kept, const SocketSpec& spec) {
    const auto name = keep_name(spec);
    const auto found =
        std::find_if(kept.begin(), kept.end(), [&](const auto& one) { return one.name == name; });
    if (!name || found == kept.end()) return std::nullopt;
    const std::string address = bound_address(found->fd.get());
    auto socket = adopt_listening(std::move(found->fd), spec, address);
    if (!socket) {
        log::warn("the service manager kept something else: {}", socket.error().what);
        return std::nullopt;  // told to forget it, with what else is not wanted
    }
    kept.erase(found);
    return std::move(*socket);
}

}  // namespace

Result<std::vector<ListenSocket>> open_sockets(std::vector<SocketSpec>& wanted,
                                               std::vector<ListenSocket> handed,
                                               std::vector<GivenSocket> given,
                                               const ServiceManager& manager) {
    std::vector<GivenSocket> kept;
    std::vector<SocketSpec> of_units;
    for (auto& one : given) {
        if (is_keep_name(one.name)) {
            kept.push_back(std::move(one));
            continue;
        }
        const std::string address = bound_address(one.fd.get());
        const auto spec = spec_for(one, address, wanted);
        if (!spec) return tl::unexpected(spec.error());
        auto socket = adopt_listening(std::move(one.fd), *spec, address);
        if (!socket) return tl::unexpected(socket.error());
        of_units.push_back(*spec);
        handed.insert(handed.begin(), std::move(*socket));
    }
    auto matched = match_handed(wanted, std::move(handed));
    for (const auto& socket : matched.unwanted) {
        log::info("socket {} {} was handed over and is not asked for: closed", socket.spec.name,
                  socket.address);
    }
    {  // before others are bound: one may want the same port
        SocketPaths paths;
        for (const auto& socket : matched.unwanted)
            paths.specs.push_back(socket.spec);
        matched.unwanted.clear();
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!matched.taken[i]) matched.taken[i] = take_kept(kept, wanted[i]);
    }
    for (auto& one : kept) {
        one.fd.reset();
        (void)tell(manager, notify::forget(one.name));
    }
    std::vector<ListenSocket> sockets;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (auto& taken = matched.taken[i]) {
            if (taken->spec.port == "0") {
                log::info("socket {} {} was handed over and keeps its port", taken->spec.name,
                          taken->address);
            }
            sockets.push_back(std::move(*taken));
        } else {
            auto socket = listen_on(wanted[i]);
            if (!socket) return tl::unexpected(socket.error());
            sockets.push_back(std::move(*socket));
        }
        // A unit's is kept by its unit.
        if (std::find(of_units.begin(), of_units.end(), wanted[i]) == of_units.end())
            give_to_keep(manager, sockets.back());
    }
    return sockets;
}

}  // namespace oneloop
