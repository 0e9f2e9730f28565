#include "worker/replay.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "common/exit_status.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "worker/commands.h"
#include "worker/recording.h"

namespace oneloop::worker {
namespace {

// The replies that are left, by question.
class Tape {
  public:
    explicit Tape(const std::string& text) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            if (auto recorded = from_line(line)) left_.push_back(std::move(*recorded));
        }
        if (left_.empty()) body_ = text;
    }
    // Nothing is left. One body for every question is used once.
    [[nodiscard]] bool over() const { return body_.empty() ? left_.empty() : used_; }
    // When the next reply came.
    [[nodiscard]] WallTime at() const { return left_.empty() ? Wall::now() : left_.front().at; }
    // `took`: how long this one and those beside it were waited for.
    HttpReply reply_to(const HttpRequest& request, WallTime::duration& took) {
        HttpReply reply;
        if (!body_.empty()) {
            used_ = true;
            reply.code = 200;
            reply.body = body_;
            return reply;
        }
        const std::string name = name_of_request(request);
        const auto found = std::find_if(left_.begin(), left_.end(), [&](const Recorded& recorded) {
            return recorded.request == name;
        });
        if (found == left_.end()) {
            reply.error = "not in the recording: " + name;
            return reply;
        }
        took = std::max(took, found->done - found->at);
        reply = std::move(found->reply);
        left_.erase(found);
        return reply;
    }
    [[nodiscard]] std::size_t left() const { return left_.size(); }

  private:
    std::deque<Recorded> left_;
    std::string body_;
    bool used_ = false;
};

}  // namespace

void record_into(const std::string& file, Poller::Parts& parts) {
    const auto fd = std::make_shared<UniqueFd>(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!*fd) throw std::runtime_error(fail_errno("open " + file).value().what);
    parts.fetch = [fetch = parts.fetch, now = parts.now, fd](
                      const std::vector<HttpRequest>& requests, std::stop_token stop) {
        const WallTime at = now().wall;
        std::vector<HttpReply> replies = fetch(requests, stop);
        const WallTime done = now().wall;
        std::string lines;
        for (std::size_t i = 0; i < replies.size() && !stop.stop_requested(); ++i)
            lines += to_line({at, done, name_of_request(requests[i]), replies[i]});
        // One write a tick; a recording that misses some is none, and polling is worth more.
        if (::write(fd->get(), lines.data(), lines.size()) < 0) return replies;
        return replies;
    };
}

int replay(const Config& config, const std::string& file, const Style& style) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    if (stream) text << stream.rdbuf();
    if (!stream || text.str().empty()) {
        std::fprintf(stderr, "worker: %s: can't be read, or is empty\n", file.c_str());
        return exit_usage;
    }
    Tape tape(text.str());
    Moment now{BootTime(std::chrono::hours(1)), tape.at()};
    Poller::Parts parts;
    parts.fetch = [&tape, &now](const std::vector<HttpRequest>& requests, std::stop_token) {
        std::vector<HttpReply> replies;
        WallTime::duration took{0};
        for (const HttpRequest& request : requests)
            replies.push_back(tape.reply_to(request, took));
        // What is told says when the replies had come, and not when they were asked for.
        now.boot += took;
        now.wall += took;
        return replies;
    };
    parts.now = [&now] { return now; };
    parts.roll = [] { return 0.0; };
    parts.may_continue = [] { return true; };
    return with_empty_memory(config, std::move(parts), style, [&](Poller& poller) {
        // Each round asks for every watch once; one that finds nothing is the last.
        for (std::size_t before = tape.left() + 1; !tape.over() && tape.left() < before;) {
            before = tape.left();
            for (std::size_t i = 0; i < config.watches.size() && !tape.over(); ++i) {
                const WallTime at = std::max(now.wall, tape.at());
                now.boot += at - now.wall;
                now.wall = at;
                // Idle, waiting: its host has to be left alone for a moment.
                for (int turn = 0; turn < 10'000; ++turn) {
                    const BootTime due = std::max(now.boot, poller.due());
                    now.wall += std::chrono::duration_cast<WallTime::duration>(due - now.boot);
                    now.boot = due;
                    const auto outcome = poller.tick(now, {});
                    if (outcome != Poller::Outcome::idle && outcome != Poller::Outcome::waiting)
                        break;
                }
            }
            if (before == 0) break;
        }
        if (tape.left() > 0)
            std::printf("%zu replies of the recording answer nothing that is asked now\n",
                        tape.left());
    });
}

}  // namespace oneloop::worker
