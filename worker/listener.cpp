#include "worker/listener.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "common/flag.h"
#include "worker/text.h"

namespace oneloop::worker {
namespace {

using std::string;

// In the form of a URL. Empty when it is no TCP socket.
string describe(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    const bool v6 = address.ss_family == AF_INET6;
    if (!v6 && address.ss_family != AF_INET) return {};
    if (::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host.data(), host.size(),
                      port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return {};
    }
    return string("http://") + (v6 ? "[" : "") + host.data() + (v6 ? "]:" : ":") + port.data();
}

// Inodes of the sockets that listen on this port: column 10 of /proc/net/tcp{,6} where the state
// (column 4) is 0A, TCP_LISTEN (proc(5)).
std::set<string> inodes_listening_on(std::uint16_t port) {
    std::set<string> inodes;
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(table);
        string line;
        std::getline(file, line);  // the heading
        while (std::getline(file, line)) {
            std::istringstream columns(line);
            string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
            columns >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
                timeout >> inode;
            const auto colon = local.rfind(':');
            if (colon == string::npos || state != "0A") continue;
            unsigned found = 0;
            std::from_chars(local.data() + colon + 1, local.data() + local.size(), found, 16);
            if (found == port) inodes.insert(inode);
        }
    }
    return inodes;
}

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

string command_of(const string& pid) {
    std::ifstream file("/proc/" + pid + "/cmdline", std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    string command = text.str();
    while (!command.empty() && command.back() == '\0')
        command.pop_back();
    for (char& c : command) {
        if (c == '\0') c = ' ';
    }
    return one_line(command, 120);
}

bool has_socket(const string& pid, const std::set<string>& inodes) {
    const string path = "/proc/" + pid + "/fd";
    const Directory fds(::opendir(path.c_str()));
    if (!fds) return false;  // gone, or somebody else's
    while (const dirent* entry = ::readdir(fds.get())) {
        std::array<char, 64> target{};
        const string link = path + "/" + entry->d_name;
        const ssize_t size = ::readlink(link.c_str(), target.data(), target.size() - 1);
        const string name(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
        constexpr std::size_t prefix = 8;  // "socket:["
        if (name.starts_with("socket:[") &&
            inodes.contains(name.substr(prefix, name.size() - prefix - 1))) {
            return true;
        }
    }
    return false;
}

// "pid 4121 (python3 app.py)"; empty when it can't be seen.
string who_listens_on(std::uint16_t port) {
    const auto inodes = inodes_listening_on(port);
    const Directory processes(::opendir("/proc"));
    if (inodes.empty() || !processes) return {};
    while (const dirent* entry = ::readdir(processes.get())) {
        const string pid = entry->d_name;
        if (pid.find_first_not_of("0123456789") != string::npos) continue;
        if (has_socket(pid, inodes)) return "pid " + pid + " (" + command_of(pid) + ")";
    }
    return {};
}

long number(const char* name) {
    const char* text = std::getenv(name);
    return text && *text ? std::strtol(text, nullptr, 10) : 0;
}

}  // namespace

Result<Listener> adopt_listener() {
    Listener listener;
    const long count = number(flag::listen_fds);
    if (count < 1 || number(flag::listen_pid) != ::getpid()) return listener;
    for (int i = 0; i < count && i < 1024; ++i)
        set_cloexec(flag::first_listen_fd + i, true);
    int listening = 0;
    socklen_t size = sizeof listening;
    const int fd = flag::first_listen_fd;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening != 1) {
        return fail("descriptor 3, handed over with LISTEN_FDS, is not a listening socket");
    }
    listener.where = describe(fd);
    if (listener.where.empty()) return fail("the socket handed over is not a TCP socket");
    listener.fd.reset(fd);
    listener.handed_over = true;
    return listener;
}

Result<Listener> open_listener(const string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV | (host == "localhost" ? 0 : AI_NUMERICHOST);
    addrinfo* found = nullptr;
    const string name = host.find(':') == string::npos ? host : "[" + host + "]";
    const string where = name + ":" + std::to_string(port);
    if (const int code =
            ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found)) {
        return fail("can't listen on " + where + ": " + ::gai_strerror(code));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> address(found, &::freeaddrinfo);
    Listener listener;
    listener.fd.reset(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listener.fd) return fail_errno("socket");
    const int on = 1;
    ::setsockopt(listener.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener.fd.get(), address->ai_addr, address->ai_addrlen) != 0 ||
        ::listen(listener.fd.get(), SOMAXCONN) != 0) {
        const int code = errno;
        string what = "can't listen on " + where + ": " + std::strerror(code);
        if (code == EADDRINUSE) {
            const string who = who_listens_on(port);
            what += who.empty() ? ", by a process of another user" : ", by " + who;
        }
        return fail(std::move(what), code);
    }
    listener.where = describe(listener.fd.get());
    return listener;
}

}  // namespace oneloop::worker
