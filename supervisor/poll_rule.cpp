#include "supervisor/poll_rule.h"

#include <algorithm>

namespace oneloop {

std::optional<std::string> silent_file_system(std::int64_t type) {
    switch (static_cast<std::uint32_t>(type)) {  // linux/magic.h
        case 0x01021997:
            return "9p";  // WSL's drives, virtual machines
        case 0x53464846:
            return "drvfs";  // WSL 1
        case 0x6969:
            return "NFS";
        case 0x517B:
            return "SMB";
        case 0xFF534D42:
            return "CIFS";
        case 0xFE534D42:
            return "SMB";
        case 0x65735546:
            return "FUSE";  // virtiofs, sshfs, the mounts of Docker on other systems
        case 0x786F4256:
            return "vboxsf";
        case 0x00C36400:
            return "CephFS";
        case 0x5346414F:
            return "AFS";
        case 0x01161970:
            return "GFS2";
        case 0x7461636F:
            return "OCFS2";
        default:
            return std::nullopt;
    }
}

Duration until_next_pass(Duration every, Duration last_pass) {
    return std::max(every, 10 * last_pass);
}

std::uint64_t enough_watches(std::uint64_t now) {
    constexpr std::uint64_t usual = 524'288;
    return std::max(usual, 2 * now);
}

std::uint64_t enough_instances(std::uint64_t now) {
    constexpr std::uint64_t usual = 1024;
    return std::max(usual, 2 * now);
}

}  // namespace oneloop
