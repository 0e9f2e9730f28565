#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>

#include "common/port_holder.h"
#include "supervisor/process_table.h"

namespace oneloop {
namespace {

// An address as the kernel compares it: IPv4 and IPv6 alike 16 bytes, IPv4 in its mapped form.
struct Address {
    std::array<std::uint8_t, 16> bytes{};
    int family = AF_INET;
    int port = 0;

    [[nodiscard]] bool any() const {
        return bytes == std::array<std::uint8_t, 16>{} || bytes == mapped(0);
    }
    static std::array<std::uint8_t, 16> mapped(std::uint32_t network_order) {
        std::array<std::uint8_t, 16> bytes{};
        bytes[10] = bytes[11] = 0xFF;
        std::memcpy(bytes.data() + 12, &network_order, 4);
        return bytes;
    }
};

// Groups of eight hexadecimal digits, each a 32-bit word as this machine has it in memory.
std::optional<Address> parse_hex(const std::string& text) {
    const auto colon = text.find(':');
    if (colon != 8 && colon != 32) return std::nullopt;
    Address address;
    address.family = colon == 8 ? AF_INET : AF_INET6;
    address.port = static_cast<int>(std::strtol(text.c_str() + colon + 1, nullptr, 16));
    std::array<std::uint32_t, 4> words{};
    for (std::size_t i = 0; i < colon / 8; ++i)
        words[i] =
            static_cast<std::uint32_t>(std::strtoul(text.substr(8 * i, 8).c_str(), nullptr, 16));
    if (address.family == AF_INET) {
        address.bytes = Address::mapped(words[0]);
    } else {
        std::memcpy(address.bytes.data(), words.data(), 16);
    }
    return address;
}

std::vector<Address> resolve(const SocketSpec& spec) {
    std::vector<Address> result;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (::getaddrinfo(spec.host.c_str(), spec.port.c_str(), &hints, &found) != 0) return result;
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
    for (const addrinfo* one = found; one; one = one->ai_next) {
        Address address;
        address.family = one->ai_family;
        if (one->ai_family == AF_INET) {
            sockaddr_in in{};
            std::memcpy(&in, one->ai_addr, sizeof in);
            address.bytes = Address::mapped(in.sin_addr.s_addr);
            address.port = ntohs(in.sin_port);
        } else if (one->ai_family == AF_INET6) {
            sockaddr_in6 in{};
            std::memcpy(&in, one->ai_addr, sizeof in);
            std::memcpy(address.bytes.data(), &in.sin6_addr, 16);
            address.port = ntohs(in.sin6_port);
        }
        if (address.port != 0) result.push_back(address);
    }
    return result;
}

// ipv6(7): "::" also takes IPv4 unless IPV6_V6ONLY is set, which /proc does not tell.
bool in_the_way(const Address& wanted, const Address& taken) {
    if (wanted.port != taken.port) return false;
    if (wanted.bytes == taken.bytes) return true;
    const bool families =
        wanted.family == taken.family || wanted.family == AF_INET6 || taken.family == AF_INET6;
    if (wanted.any()) return wanted.family == taken.family || wanted.family == AF_INET6;
    return families && taken.any() && (taken.family == wanted.family || taken.family == AF_INET6);
}

// Of the sockets that listen at `path`. Columns of /proc/net/unix: proc(5); it has no user, so that
// is the file's.
void find_at_path(const SocketSpec& spec, Listeners& listeners) {
    struct stat file {};
    const unsigned uid = ::lstat(spec.path().c_str(), &file) == 0 ? file.st_uid : 0;
    for (const auto& inode : listening_at(spec.path()))
        listeners[inode] = {spec.address(), uid};
}

}  // namespace

Listeners find_listeners(const std::vector<SocketSpec>& wanted) {
    Listeners listeners;
    for (const auto& spec : wanted) {
        if (spec.is_unix()) {
            find_at_path(spec, listeners);
            continue;
        }
        const auto addresses = resolve(spec);
        for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
            std::ifstream file(table);
            std::string line;
            while (std::getline(file, line)) {
                std::istringstream words(line);
                std::string slot, local, remote, state, skip;
                unsigned uid = 0;
                std::uint64_t inode = 0;
                words >> slot >> local >> remote >> state >> skip >> skip >> skip >> uid >> skip >>
                    inode;
                if (state != "0A") continue;  // TCP_LISTEN
                const auto taken = parse_hex(local);
                for (const auto& address : addresses) {
                    if (taken && in_the_way(address, *taken)) {
                        listeners[inode] = {spec.address(), uid};
                    }
                }
            }
        }
    }
    return listeners;
}

}  // namespace oneloop
