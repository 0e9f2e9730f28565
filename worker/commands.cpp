#include "worker/commands.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "common/exit_status.h"
#include "common/lock_file.h"
#include "common/log.h"
#include "worker/by_hand.h"
#include "worker/channel_test.h"
#include "worker/delivering.h"
#include "worker/store_journal.h"
#include "worker/text.h"
#include "worker/token_file.h"

namespace oneloop::worker {
namespace {

void say(const std::string& text) {
    std::fputs(text.c_str(), stdout);
}
int refuse(int code, const std::string& why) {
    std::fprintf(stderr, "worker: %s\n", why.c_str());
    return code;
}

// A state file must be there: looking creates none.
bool there(const std::string& state) {
    return ::access(state.c_str(), F_OK) == 0;
}

// A directory that is gone with the object.
class Scratch {
  public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "oneloop-XXXXXX").string();
        if (const char* made = ::mkdtemp(name.data())) path_ = made;
    }
    ~Scratch() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

// One poll; when its host has to be waited for, not longer than a person does.
Poller::Outcome tick_soon(Poller& poller, const std::function<Moment()>& now) {
    constexpr std::chrono::seconds longest{35};
    for (;;) {
        const Moment moment = now();
        const auto outcome = poller.tick(moment, {});
        const auto left = poller.due() - moment.boot;
        const bool goes_on =
            outcome == Poller::Outcome::idle || outcome == Poller::Outcome::waiting;
        if (!goes_on || left > longest) return outcome;
        std::this_thread::sleep_for(left);
    }
}

std::string phase_of(OutboxStore& store, const std::string& key) {
    const auto message = store.find(key);
    return message ? std::string(name_of(message->life.phase)) : "gone";
}

}  // namespace

int test_channel(const Config& config, const std::string& id) {
    const auto results = try_channel(config, id);
    if (results.empty()) return refuse(exit_usage, "there is no [[channel]] with id '" + id + "'");
    int code = exit_ok;
    for (const TestResult& result : results) {
        say(id + (result.recipient.empty() ? "" : " to " + result.recipient) + ": " + result.reply +
            "\n");
        if (!result.good) code = exit_unavailable;
    }
    std::fflush(stdout);
    return code;
}

int show_token(const Config& config, const std::string& state) {
    std::string token = config.http_token.value;
    if (token.empty()) {
        const std::string directory = std::filesystem::path(state).parent_path().string();
        if (const auto made = make_private_directory(directory); !made)
            return refuse(exit_config, made.error().what);
        const auto loaded = load_token(token_path(state));
        if (!loaded) return refuse(exit_config, loaded.error().what);
        token = *loaded;
    }
    const bool six = config.listen_host.find(':') != std::string::npos;
    const std::string host = six ? "[" + config.listen_host + "]" : config.listen_host;
    say(fmt::format("http://{}:{}/#token={}\n", host, config.listen_port, token));
    return exit_ok;
}

int show_outbox(const std::string& state) {
    if (!there(state)) return refuse(exit_config, state + " is not there");
    OutboxStore store(state);
    const auto messages = store.list(
        {Phase::queued, Phase::armed, Phase::failed, Phase::uncertain, Phase::dead}, 10'000);
    for (const StoredMessage& message : messages) {
        say(fmt::format(
            "{:<9} {}  {}{}  {}{}\n", name_of(message.life.phase), message.key, message.channel,
            message.recipient.empty() ? "" : " to " + message.recipient,
            one_line(message.subject, 120),
            message.life.reply.empty() ? "" : "  [" + one_line(message.life.reply) + "]"));
    }
    const OutboxCounts counts = store.counts();
    say(fmt::format(
        "{} queued, {} failed and tried again, {} uncertain, {} given up, {} skipped, "
        "{} sent\n",
        counts.queued, counts.failed, counts.uncertain, counts.dead, counts.skipped, counts.sent));
    return exit_ok;
}

int settle_by_hand(const std::string& state, const std::string& key, bool again) {
    if (!there(state)) return refuse(exit_config, state + " is not there");
    OutboxStore store(state);
    switch (decide_by_hand(store, key, again, Wall::now())) {
        case ByHand::unknown:
            return refuse(exit_usage, "there is no message " + key);
        case ByHand::not_open:
            return refuse(exit_usage, key + " is " + phase_of(store, key) +
                                          "; only what is uncertain or dead is a question");
        case ByHand::forgotten:
            return refuse(exit_usage, "the text of " + key + " is forgotten already");
        case ByHand::changed:
            return refuse(exit_unavailable, key + " has just changed; look again");
        case ByHand::done:
            break;
    }
    say(key + (again ? " is sent again\n" : " is skipped\n"));
    return exit_ok;
}

Store open_for_polling(const Config& config, const std::string& state) {
    const WallTime now = Wall::now();
    Store store = Store::open_or_begin(state, config.limits.most_bytes, now);
    const auto aside = store.set_aside_file();
    if (aside && now - aside->at < std::chrono::hours(24)) {
        log::error(
            "{}; set aside as {}, and a new one begun: what it knew may be told again, once, "
            "in a digest",
            aside->why, aside->name);
    }
    return store;
}

int with_empty_memory(const Config& config, Poller::Parts parts, const Style& style,
                      const std::function<void(Poller&)>& turn) {
    const Scratch scratch;
    if (scratch.path().empty()) return refuse(exit_unavailable, "no temporary directory");
    // What would be sent, in words and not in the form of a mail.
    Config plain = config;
    for (Channel& channel : plain.channels) {
        channel.kind = Channel::Kind::exec;
        channel.body = default_body(Channel::Kind::exec);
        channel.quiet.reset();
    }
    StatusBoard board;
    parts.print = say;
    parts.wrote = [&](const Alerts& alerts) {
        for (const NewMessage& message : alerts.messages) {
            const auto channel =
                std::find_if(config.channels.begin(), config.channels.end(),
                             [&](const Channel& one) { return one.id == message.channel; });
            std::string to;
            for (const Mailbox& box : channel->to)
                to += " " + box.address;
            say("---- by " + message.channel + (to.empty() ? "" : ", to" + to) + " ----\n" +
                message.payload + "\n");
        }
    };
    Poller poller(plain, Store(scratch.path() + "/dry.db"), board,
                  Zone::named(config.timezone).value(), style, std::move(parts));
    turn(poller);
    return exit_ok;
}

int dry_run(const Config& config, Poller::Parts parts, const Style& style) {
    const auto now = parts.now;
    return with_empty_memory(config, std::move(parts), style, [&](Poller& poller) {
        for (std::size_t i = 0; i < config.watches.size(); ++i)
            (void)tick_soon(poller, now);
    });
}

int poll_once(const Config& config, const std::string& state, Store store, Poller::Parts parts,
              const Style& style) {
    StatusBoard board;
    const Zone zone = Zone::named(config.timezone).value();
    const auto now = parts.now;
    const auto may_continue = parts.may_continue;
    parts.print = say;
    // What a person has said of a watch holds for whoever polls it.
    Journal journal(state);
    parts.paused = [&journal] { return journal.paused(); };
    parts.muted = [&journal](const std::string& watch) {
        return journal.muted(watch, Wall::now());
    };
    Poller poller(config, std::move(store), board, zone, style, std::move(parts));
    std::size_t polled = 0;
    for (; polled < config.watches.size(); ++polled) {
        const auto outcome = tick_soon(poller, now);
        if (outcome == Poller::Outcome::unsaved)
            return refuse(exit_unavailable, "nothing is told: " + poller.trouble());
        if (outcome != Poller::Outcome::done) break;
    }
    const auto seen = board.read();
    for (const std::string& watch : seen->paused)
        say(watch + " is paused and was not polled; it is resumed on the page, or with POST " +
            "/api/v1/watches/" + watch + "/resume\n");
    for (const std::string& watch : seen->ended)
        say(watch + " has ended and was not polled: see its active_until\n");
    if (polled == 0)
        say(seen->next.empty() ? "nothing is due\n" : "nothing is due before " + seen->next + "\n");
    for (const auto& deliverer : make_deliverers(config, state, zone, board, may_continue)) {
        while (deliverer->step({}) == Deliverer::Step::tried) {
        }
    }
    return exit_ok;
}

}  // namespace oneloop::worker
