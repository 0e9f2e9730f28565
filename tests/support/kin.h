// kin: the children of a process as proc_pid_stat(5) has them, the dead among them included, which
// a census of environments can't see.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace oneloop::test {

struct Kin {
    pid_t pid = 0;
    char state = 0;  // 'Z': dead, and nobody has waited for it
    std::string name;
};

std::vector<Kin> children_of(pid_t parent);
std::size_t zombies_of(pid_t parent);
// 0 when there is no such process.
char state_of(pid_t pid);

}  // namespace oneloop::test
