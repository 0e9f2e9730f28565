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
const char* const dates[] = {"20260110", "20260111"};

std::string row(const std::string& id, int seats) {
    return R"({"id":")" + id + R"(","start":"19:00","seats":)" + std::to_string(seats) + "}";
}

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

void AlertWorld::change_shows() {
    for (int i = roll(3); i > 0; --i) {
        if (shows_.empty() || chance(50)) {
            if (!calm_) shows_["show-" + std::to_string(++opened_) + "."] = {dates[roll(2)], 5};
            continue;
        }
        const auto one = std::next(shows_.begin(), roll(static_cast<int>(shows_.size())));
        const bool known = run_.listed.contains(one->first);
        if (chance(20)) {
            shows_.erase(one);
        } else if (known) {
            one->second.seats = one->second.seats > 0 ? 0 : 1 + roll(9);
        }
    }
}

HttpReply AlertWorld::reply_for(const std::string& date) {
    HttpReply reply;
    reply.code = 200;
    std::string rows;
    for (const auto& [id, show] : shows_) {
        if (show.date == date) rows += (rows.empty() ? "" : ",") + row(id, show.seats);
    }
    const std::string ghost = "ghost-" + std::to_string(++opened_) + ".";
    const auto broken = [&](const std::string& body) {
        run_.refused.insert(ghost);
        reply.body = body;
        return reply;
    };
    if (chance(4)) return broken("<html>" + ghost + "</html>");
    if (chance(4)) return broken(R"({"rows":[)" + row(ghost, 5) + R"(],"why":"too busy"})");
    if (chance(4)) return broken(R"({"other":[)" + row(ghost, 5) + "]}");
    if (chance(4)) return broken(R"({"rows":[{"name":")" + ghost + R"("}]})");
    if (chance(4)) return broken(R"({"rows":null})");
    if (chance(4)) {
        reply.code = 403;
        return broken(R"({"rows":[)" + row(ghost, 5) + "]}");
    }
    if (chance(6)) {
        reply.error = "refused";
        return reply;
    }
    reply.body = R"({"rows":[)" + rows + "]}";
    for (const auto& [id, show] : shows_) {
        if (show.date == date) in_replies_.push_back(id);
    }
    return reply;
}

std::vector<HttpReply> AlertWorld::reply_to(const std::vector<HttpRequest>& requests,
                                            const std::string& state, int process) {
    crash_at(Point::after_claim);
    const auto tick = static_cast<std::uint64_t>(
        look_into(state).execAndGet("SELECT tick FROM watch").getInt64());
    in_replies_.clear();
    std::vector<HttpReply> replies;
    for (const HttpRequest& request : requests) {
        run_.requests.push_back({process, tick, request.url});
        replies.push_back(reply_for(request.url.substr(request.url.rfind('/') + 1)));
    }
    pass(chance(3) ? std::chrono::nanoseconds(2h) : std::chrono::nanoseconds(100ms));  // stopped
    crash_at(Point::after_fetch);
    return replies;
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

void AlertWorld::accept(const Channel& channel, const Parcel& parcel) {
    run_.accepted[parcel.key].push_back({channel.id, parcel.payload});
}

// One try: everything that its surroundings can do to it.
void AlertWorld::send(const Channel& channel, const Parcel& parcel, const Hooks& hooks) {
    if (flaws_.marks_before) {
        hooks.settled(worker::Accepted{"250"});
        if (chance(20)) throw Crash{};
        return accept(channel, parcel);
    }
    if (chance(10)) return hooks.settled(worker::NotSent{"refused", true});
    if (chance(5)) return hooks.settled(worker::Refused{"450 later", false});
    if (chance(5)) return hooks.settled(worker::Stopped{});
    if (chance(5)) throw Crash{};  // before it was armed
    if (!flaws_.notes_afterwards && !hooks.arm()) return hooks.settled(worker::Stopped{});
    if (chance(5)) return hooks.settled(worker::Refused{"451 later", false});
    if (chance(4)) pass(2h);  // stopped
    // Once for a message: that it is sent again once is the promise, and a third time nobody's.
    if (chance(20) && may_be_doubted(parcel.key)) {
        switch (roll(4)) {
            case 0:
                throw Crash{};  // armed, and nothing sent
            case 1:
                return hooks.settled(worker::NoAnswer{"closed"});
            case 2:
                accept(channel, parcel);
                return hooks.settled(worker::NoAnswer{"closed"});
            default:
                accept(channel, parcel);
                throw Crash{};  // after the dot, or after an answer that was not stored
        }
    }
    accept(channel, parcel);
    hooks.settled(worker::Accepted{"250"});
    if (chance(5)) throw Crash{};  // while the connection is closed
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
