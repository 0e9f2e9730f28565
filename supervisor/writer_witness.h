// writer_witness: did a process outside of the worker's tree write this file?
//
// fanotify(7) names the writer of each event, to root only. So it is asked where the time of a
// change makes the worker a suspect, and nowhere else: a watch on the directories of those files,
// none when there are none. It can clear the worker and never accuse it: without the right, without
// the file system's support, when the writer has ended or lives in another PID namespace, the
// answer is "not known to be somebody else". Not for what follows from it (own_writes). On the
// loop's thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/unique_fd.h"

namespace oneloop {

class WriterWitness {
  public:
    // The files to be ready for, from now on. What was written before is not known.
    void attend(const std::vector<std::string>& paths);

    // Lets go of what is attended to no more. Apart, because the kernel takes milliseconds for that
    // and a worker is being waited for.
    void close_retired();

    // To be asked for each change of a file when inotify(7) has told of it.
    // True: what was done to the file since the last question was done by processes that live and
    // do not descend from this one.
    [[nodiscard]] bool somebody_else(const std::string& path);

  private:
    struct Answer {
        bool elsewhere = true;
        bool given = false;
        SteadyTime at;
    };
    struct Directory {
        UniqueFd group;
        bool late = false;  // an event that inotify told of did not come: no more waiting
        std::map<std::string, Answer> answers;  // by name
    };
    static void read_events(Directory& directory, const std::set<std::string>& names);

    std::map<std::string, Directory> directories_;
    std::vector<UniqueFd> retired_;
    std::map<std::string, std::set<std::string>> names_;  // by directory
};

}  // namespace oneloop
