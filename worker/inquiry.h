// Inquiry: what one tick asks, and no more than it must.
//
// The first date of a source is asked first. When its reply carries the list of dates, only those
// are asked too that are open there, or of which showtimes are known; of the others the list is the
// answer. A request that another watch has just sent is not sent again, and where the server can
// say "as before" it is asked only that. No request is sent before the budget of its host allows
// it, and nobody waits here for that: a round of many questions is a value that its watch keeps,
// and goes on when it may. The network and the clock come in. Not for what is news (reading.h). The
// polling thread's.
#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "worker/budget.h"
#include "worker/memo.h"
#include "worker/reading.h"
#include "worker/status.h"
#include "worker/watch.h"

namespace oneloop::worker {

class Inquiry {
  public:
    using Fetch =
        std::function<std::vector<HttpReply>(const std::vector<HttpRequest>&, std::stop_token)>;

    Inquiry(const std::vector<Watch>& watches, Fetch fetch, std::function<BootTime()> now);

    // When the watch's host may be asked.
    [[nodiscard]] BootTime free_at(const Watch& watch, BootTime now) const;
    // Does any other watch ask the same?
    [[nodiscard]] bool has_company(const Watch& watch) const;
    // Do both ask the same, so that one's replies answer the other's questions?
    [[nodiscard]] bool same_questions(const Watch& a, const Watch& b) const;

    struct Question {
        const SourceSpec* source;
        Date date;
        unsigned tries = 0;  // that brought no reply
    };
    // What one poll of a watch asks, half answered.
    struct Round {
        const Watch* watch = nullptr;
        LocalTime local;  // when it began; what "today" is does not change in it
        std::vector<Date> dates;
        std::vector<Question> open;  // in the order in which they are to be sent
        std::vector<Finding> findings;
        BootTime answered = BootTime::min();  // the end of the watch's round before
        bool gates = true;  // what `open` and `findings` are about; then the rest follows
        BootTime rests = BootTime::min();  // until then, since something is to be asked once more
        [[nodiscard]] bool done() const { return !gates && open.empty(); }
    };
    // `answered`: when the watch's last round was done; no reply from before is taken for an
    // answer.
    [[nodiscard]] Round begin(const Watch& watch, LocalTime local,
                              BootTime answered = BootTime::min()) const;

    // Sends what may be sent now and waits for its answers; not done: to be called again at
    // free_at, or sooner, but not while the round rests. When it is done there is one finding for
    // each date and source, by date. After a stop: of no use.
    void go_on(Round& round, const Ledger& known, const std::stop_token& stop);

    // Every request that was sent, since this object is.
    [[nodiscard]] const Asked& asked() const { return asked_; }

    // The longest that a round of so many requests may take, beside what the host has asked for.
    static std::chrono::milliseconds patience(const Watch& watch, std::size_t requests);

  private:
    // True when anything was answered, or was given up.
    bool send(Round& round, const std::stop_token& stop);
    static void follow_gates(Round& round, const Ledger& known);
    void heed(const Watch& watch, const Answer& answer, const std::string& key, BootTime at);

    Fetch fetch_;
    std::function<BootTime()> now_;
    std::map<std::string, std::size_t> group_;  // of a watch, by its id: who asks the same
    std::vector<int> members_;                  // of a group
    Budget budget_;
    Memo memo_;
    Asked asked_;
};

}  // namespace oneloop::worker
