// AlertWorld: a worker's polling and delivering, turned by hand, in a world that goes wrong by a
// seed: showtimes open, sell out, vanish; the cinema refuses and breaks its replies; receivers
// refuse, hang up, keep and don't answer; the process is killed at every point between, is stopped,
// and its clock is set. The state file is a real one.
//
// Poller, Store, Held, Deliverer and everything below are those of the worker; the network and the
// clock are not. One thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/alert_run.h"
#include "tests/support/process.h"
#include "worker/deliverer.h"
#include "worker/poller.h"

namespace SQLite {
class Database;
}

namespace oneloop::test {

// What a worker is usually built like; each must break a promise.
struct AlertFlaws {
    bool notes_afterwards = false;  // sends, and then writes that it has sent
    bool marks_before = false;      // writes that it has sent, and then sends
    bool two_loops = false;         // a second loop with a memory of its own
};

class AlertWorld {
  public:
    explicit AlertWorld(std::uint32_t seed, AlertFlaws flaws = {});
    ~AlertWorld();

    // A schedule of `steps`, and then everything works until nothing is open any more.
    AlertRun run(int steps);

  private:
    enum class Point { none, after_claim, after_fetch, before_commit, after_commit };
    struct Crash {};
    struct Show {
        std::string date;
        int seats = 0;
    };
    struct Loop {
        std::unique_ptr<worker::StatusBoard> board;
        std::unique_ptr<worker::Poller> poller;
        std::vector<std::unique_ptr<worker::Deliverer>> deliverers;
    };

    int roll(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
    bool chance(int percent) { return !calm_ && roll(100) < percent; }
    void pass(std::chrono::nanoseconds time);
    void crash_at(Point point);

    void start();
    Loop make_loop(const std::string& state, int process);
    void poll(Loop& loop);
    void deliver(Loop& loop);
    void change_shows();
    std::vector<worker::HttpReply> reply_to(const std::vector<worker::HttpRequest>& requests,
                                            const std::string& state, int process);
    worker::HttpReply reply_for(const std::string& date);
    void send(const worker::Channel& channel, const worker::Parcel& parcel,
              const worker::Hooks& hooks);
    void accept(const worker::Channel& channel, const worker::Parcel& parcel);
    bool may_be_doubted(const std::string& key) { return doubted_.insert(key).second; }
    void settle_what_is_left();
    SQLite::Database& look_into(const std::string& state);
    std::size_t open_messages();
    void look_into_the_file();

    std::mt19937 random_;
    AlertFlaws flaws_;
    TempDir dir_;
    std::string state_ = dir_.file("s.db");
    worker::Config config_;
    worker::Moment now_;
    bool calm_ = false;
    int process_ = 0;
    std::map<std::string, std::unique_ptr<SQLite::Database>> looks_;  // from outside
    Loop loop_, other_;
    Point point_ = Point::none;
    int asked_permission_ = 0;

    std::map<std::string, Show> shows_;
    int opened_ = 0;
    std::vector<std::string> in_replies_;  // of the tick that is under way
    std::set<std::string> doubted_;
    AlertRun run_;
};

}  // namespace oneloop::test
