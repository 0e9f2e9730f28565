#include "tests/support/alert_world.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <stdexcept>

namespace oneloop::test {

using namespace std::chrono_literals;
using worker::Channel;
using worker::Hooks;
using worker::HttpReply;
using worker::HttpRequest;
using worker::OutboxStore;
using worker::Parcel;

namespace {

const char* const configuration = R"(version = 1
[template.t]
item = "{kind} {id}"
text = "{items}{event_ids}\n"
[[channel]]
id = "x"
kind = "exec"
command = ["true"]
body = "{text}"
template = "t"
max_age = "480h"
[[channel]]
id = "y"
kind = "exec"
command = ["true"]
body = "{text}"
template = "t"
max_age = "480h"
quiet = { from = "01:00", to = "05:00" }
[[watch]]
id = "w"
every = "30s"
channels = ["x", "y"]
dates = ["2026-01-10", "2026-01-11"]
[watch.source]
url = "http://127.0.0.1:1/{date:%Y%m%d}"
items = "/rows"
id = "{id}"
block_markers = ["too busy"]
[watch.source.fields]
title = "id"
start = "start"
seats = "seats"
)";
}  // namespace

AlertWorld::AlertWorld(std::uint32_t seed, AlertFlaws flaws)
    : random_(seed),
      flaws_(flaws),
      // Noon in Seoul.
      now_{BootTime(1h), WallTime(std::chrono::sys_days{std::chrono::year{2025} / 12 / 2} + 3h)} {
    worker::ConfigReading reading = worker::parse_config(configuration, "test");
    if (!reading.problems.empty())
        throw std::runtime_error(format_problem("test", reading.problems[0]));
    config_ = std::move(reading.config);
    run_.channels = {"x", "y"};
    start();
    if (flaws_.two_loops) other_ = make_loop(dir_.file("other.db"), -1);
}

AlertWorld::~AlertWorld() = default;

void AlertWorld::pass(std::chrono::nanoseconds time) {
    now_.boot += time;
    now_.wall += std::chrono::duration_cast<WallTime::duration>(time);
}

void AlertWorld::crash_at(Point point) {
    if (point_ != point) return;
    point_ = Point::none;
    throw Crash{};
}

void AlertWorld::start() {
    loop_ = {};
    loop_ = make_loop(state_, ++process_);
}

AlertWorld::Loop AlertWorld::make_loop(const std::string& state, int process) {
    Loop loop;
    loop.board = std::make_unique<worker::StatusBoard>();
    // Killed at any time, so that a stale one never speaks again.
    const auto mine = [this, process] { return process < 0 || process == process_; };
    worker::Poller::Parts parts;
    parts.fetch = [this, state, process](const std::vector<HttpRequest>& requests,
                                         std::stop_token) {
        return reply_to(requests, state, process);
    };
    parts.print = [this, process](const std::string&) {
        // The transaction is on the disk.
        if (process > 0) run_.listed.insert(in_replies_.begin(), in_replies_.end());
        in_replies_.clear();
        crash_at(Point::after_commit);
    };
    parts.now = [this] { return now_; };
    parts.roll = [this] { return calm_ ? 0.0 : (roll(200) - 100) / 100.0; };
    parts.may_continue = [this, mine] {
        if (++asked_permission_ > 1) crash_at(Point::before_commit);
        return mine();
    };
    const auto zone = worker::Zone::named("Asia/Seoul").value();
    // Poller first: it makes the tables.
    loop.poller = std::make_unique<worker::Poller>(
        config_, worker::Store(state), *loop.board, zone,
        worker::Style{worker::LogFormat::logfmt, worker::Language::en, "j"}, std::move(parts));
    worker::Deliverer::Parts delivering;
    delivering.send = [this](const Channel& channel, const Parcel& parcel, const Hooks& hooks,
                             const std::stop_token&) { send(channel, parcel, hooks); };
    delivering.now = [this] { return now_.wall; };
    delivering.may_continue = mine;
    delivering.changed = [](const worker::OutboxCounts&, const auto&) {};
    delivering.report = [](const worker::StoredMessage&, const worker::Delivery&) {};
    delivering.quiet = [zone](const Channel& channel, WallTime now) -> std::optional<WallTime> {
        if (!channel.quiet || !quiet_at(*channel.quiet, zone.local(now))) return std::nullopt;
        return now + quiet_left(*channel.quiet, zone.local(now));
    };
    for (std::size_t i = 0; i < config_.channels.size(); ++i) {
        worker::Share share{{config_.channels[i].id}, false};
        if (i == 0) share = {{config_.channels[1].id}, true};
        loop.deliverers.push_back(std::make_unique<worker::Deliverer>(
            std::vector<Channel>{config_.channels[i]}, OutboxStore(state), delivering, share));
    }
    return loop;
}

void AlertWorld::poll(Loop& loop) {
    pass(std::max(loop.poller->due() - now_.boot, BootTime::duration{0}));
    if (chance(20)) point_ = static_cast<Point>(1 + roll(4));
    asked_permission_ = 0;
    try {
        (void)loop.poller->tick(now_, {});
    } catch (const Crash&) {
        start();
    }
    point_ = Point::none;
}

void AlertWorld::deliver(Loop& loop) {
    for (std::size_t i = 0; i < loop.deliverers.size(); ++i) {
        try {
            for (int tries = 0; tries < 20; ++tries) {
                if (loop.deliverers[i]->step({}) != worker::Deliverer::Step::tried) break;
            }
        } catch (const Crash&) {
            start();
            return;
        }
    }
}

// What a person does with a message that the worker asks about.
void AlertWorld::settle_what_is_left() {
    if (open_messages() == 0) return;
    OutboxStore outbox(state_);
    for (const auto& message : outbox.list({worker::Phase::uncertain})) {
        if (message.life.next) continue;
        const auto again = resend(message.life, now_.wall);
        (void)outbox.save(message.id, message.life, *again, now_.wall);
    }
}

SQLite::Database& AlertWorld::look_into(const std::string& state) {
    auto& look = looks_[state];
    if (!look) look = std::make_unique<SQLite::Database>(state, SQLite::OPEN_READONLY, 5000);
    return *look;
}

std::size_t AlertWorld::open_messages() {
    return look_into(state_)
        .execAndGet(
            "SELECT (SELECT count(*) FROM message WHERE phase != 'sent') + "
            "(SELECT count(*) FROM held)")
        .getUInt();
}

void AlertWorld::look_into_the_file() {
    SQLite::Database& file = look_into(state_);
    SQLite::Statement event(file, "SELECT id, kind, item FROM event ORDER BY at_ms");
    while (event.executeStep())
        run_.events.push_back({event.getColumn(0).getString(), event.getColumn(1).getString(),
                               event.getColumn(2).getString()});
    SQLite::Statement message(file, "SELECT key FROM message WHERE doubtful > 0");
    while (message.executeStep())
        run_.doubtful.insert(message.getColumn(0));
    run_.open = open_messages();
}

AlertRun AlertWorld::run(int steps) {
    for (int step = 0; step < steps; ++step) {
        change_shows();
        poll(loop_);
        if (flaws_.two_loops) poll(other_);
        deliver(loop_);
        if (flaws_.two_loops) deliver(other_);
        if (chance(5)) start();                                            // a reload
        if (chance(5)) pass(std::chrono::minutes(roll(300)));              // the lid is closed
        if (chance(4)) now_.wall += std::chrono::minutes(roll(121) - 60);  // the clock is set
    }
    calm_ = true;
    // Past the longest back-off and the quiet hours, whatever the clock says.
    for (int round = 0; round < 60; ++round) {
        pass(20min);
        poll(loop_);
        deliver(loop_);
        settle_what_is_left();
        if (round > 3 && open_messages() == 0) break;
    }
    loop_ = {};
    look_into_the_file();
    return run_;
}

}  // namespace oneloop::test
