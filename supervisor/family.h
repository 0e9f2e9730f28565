// family: the children of the supervisor, told apart: wardens, strangers, and what a killed warden
// has left.
//
// One for all that start wardens, so that none takes another's for an orphan. On the loop's thread.
#pragma once

#include <sys/types.h>

#include <vector>

namespace oneloop {

class Family {
  public:
    void add_warden(pid_t pid) { wardens_.push_back(pid); }
    void remove_warden(pid_t pid);  // waited for
    [[nodiscard]] bool is_warden(pid_t pid) const;

    // Children that are not ours to end: of who started us by exec, and as process 1 of a container
    // every orphan of it. To be called before a warden is started: what belongs to one is below it,
    // so whoever is here and is none is a stranger. Nobody new is one while a warden that has ended
    // is not yet swept up after: its orphans are among the children.
    void note_strangers();
    void buried(pid_t pid);

    // What a killed warden left is ended between the two.
    void begin_sweep() { ++sweeps_; }
    void end_sweep() { --sweeps_; }
    // Ends and buries all orphans; true when none is left.
    bool sweep();

  private:
    bool bury();
    void bury_one_by_one();
    [[nodiscard]] bool a_warden_has_ended() const;
    [[nodiscard]] bool only_spared_left() const;
    [[nodiscard]] std::vector<pid_t> spared() const;

    std::vector<pid_t> wardens_;
    std::vector<pid_t> strangers_;
    int sweeps_ = 0;
};

}  // namespace oneloop
