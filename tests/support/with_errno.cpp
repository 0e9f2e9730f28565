// Runs a command in a world where some system calls fail: a seccomp(2) filter that the command and
// all that it starts inherit.
//
//   with_errno RULE... -- COMMAND...
//
//   clone3=ENOSYS          every call
//   clone/0&0x7e020000=EPERM   when argument 0 has one of these bits
//   prctl/0:36=EINVAL      when argument 0 is this number
//   container              what the default profile of unprivileged containers refuses
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

struct Rule {
    std::string call;
    int argument = -1;  // -1: every call
    char how = '&';
    unsigned value = 0;
    int error = 0;
};

const std::map<std::string, int> calls = {
    {"clone", SYS_clone},
    {"clone3", SYS_clone3},
    {"close_range", SYS_close_range},
    {"epoll_create1", SYS_epoll_create1},
    {"execveat", SYS_execveat},
    {"flock", SYS_flock},
    {"inotify_add_watch", SYS_inotify_add_watch},
    {"inotify_init1", SYS_inotify_init1},
    {"mount", SYS_mount},
    {"pidfd_open", SYS_pidfd_open},
    {"pipe2", SYS_pipe2},
    {"prctl", SYS_prctl},
    {"setns", SYS_setns},
    {"signalfd4", SYS_signalfd4},
    {"socket", SYS_socket},
    {"socketpair", SYS_socketpair},
    {"umount2", SYS_umount2},
    {"unshare", SYS_unshare},
#ifdef SYS_pipe
    {"pipe", SYS_pipe},
#endif
};

const std::map<std::string, int> errors = {
    {"EACCES", EACCES}, {"EAGAIN", EAGAIN}, {"EINVAL", EINVAL}, {"EMFILE", EMFILE},
    {"ENOLCK", ENOLCK}, {"ENOMEM", ENOMEM}, {"ENOSPC", ENOSPC}, {"ENOSYS", ENOSYS},
    {"EPERM", EPERM},   {"EINTR", EINTR},   {"E2BIG", E2BIG}};

// Docker's and Podman's default profile without CAP_SYS_ADMIN.
const std::vector<std::string> container = {"clone3=ENOSYS", "clone/0&0x7e020000=EPERM",
                                            "unshare=EPERM", "setns=EPERM",
                                            "mount=EPERM",   "umount2=EPERM"};

[[noreturn]] void refuse(const std::string& text) {
    std::fprintf(stderr, "with_errno: %s\n", text.c_str());
    std::exit(64);
}

Rule parse(const std::string& text) {
    const auto equals = text.rfind('=');
    if (equals == std::string::npos) refuse(text + ": no =");
    const auto error = errors.find(text.substr(equals + 1));
    if (error == errors.end()) refuse(text + ": unknown error");
    Rule rule;
    rule.error = error->second;
    const std::string what = text.substr(0, equals);
    const auto slash = what.find('/');
    rule.call = what.substr(0, slash);
    if (!calls.contains(rule.call)) refuse(text + ": unknown call");
    if (slash != std::string::npos) {
        rule.argument = what[slash + 1] - '0';
        rule.how = what[slash + 2];
        rule.value = static_cast<unsigned>(std::strtoul(what.c_str() + slash + 3, nullptr, 0));
    }
    return rule;
}

sock_filter statement(int code, std::size_t k) {
    return BPF_STMT(static_cast<__u16>(code), static_cast<__u32>(k));
}
sock_filter jump(int code, unsigned k, int otherwise) {
    return BPF_JUMP(static_cast<__u16>(BPF_JMP | BPF_K | code), k, 0, static_cast<__u8>(otherwise));
}

void add(std::vector<sock_filter>& program, const Rule& rule) {
    program.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    program.push_back(
        jump(BPF_JEQ, static_cast<unsigned>(calls.at(rule.call)), rule.argument < 0 ? 1 : 3));
    if (rule.argument >= 0) {
        // Its lower half; both architectures we build for are little-endian.
        program.push_back(
            statement(BPF_LD | BPF_W | BPF_ABS,
                      offsetof(seccomp_data, args) + 8 * static_cast<std::size_t>(rule.argument)));
        program.push_back(jump(rule.how == '&' ? BPF_JSET : BPF_JEQ, rule.value, 1));
    }
    program.push_back(statement(BPF_RET, SECCOMP_RET_ERRNO | static_cast<unsigned>(rule.error)));
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<sock_filter> program;
    int at = 1;
    for (; at < argc && std::strcmp(argv[at], "--") != 0; ++at) {
        if (std::strcmp(argv[at], "container") == 0) {
            for (const auto& rule : container)
                add(program, parse(rule));
        } else {
            add(program, parse(argv[at]));
        }
    }
    if (at + 1 >= argc) refuse("no command");
    program.push_back(statement(BPF_RET, SECCOMP_RET_ALLOW));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        std::perror("with_errno: seccomp");
        return 71;
    }
    ::execvp(argv[at + 1], argv + at + 1);
    std::perror(argv[at + 1]);
    return 127;
}
