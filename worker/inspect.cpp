#include "worker/inspect.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "common/exit_status.h"
#include "worker/store_view.h"
#include "worker/text.h"
#include "worker/zone.h"

namespace oneloop::worker {
namespace {

// What is printed, and with which clock.
class Page {
  public:
    explicit Page(const Config& config)
        : config_(config), zone_(Zone::named(config.timezone).value()) {}

    template <class... Parts>
    void line(fmt::format_string<Parts...> format, Parts&&... parts) {
        text_ += fmt::format(format, std::forward<Parts>(parts)...) + "\n";
    }
    [[nodiscard]] std::string time(WallTime at) const { return format_local(zone_.local(at)); }
    [[nodiscard]] std::string time(const std::optional<WallTime>& at) const {
        return at ? time(*at) : "never";
    }
    [[nodiscard]] std::string time(std::int64_t seconds) const {
        return time(WallTime(std::chrono::seconds(seconds)));
    }
    [[nodiscard]] const Watch* watch(const std::string& id) const {
        const auto found = std::find_if(config_.watches.begin(), config_.watches.end(),
                                        [&](const Watch& one) { return one.id == id; });
        return found == config_.watches.end() ? nullptr : &*found;
    }
    [[nodiscard]] bool ended(const Watch& watch) const {
        return has_ended(watch, zone_.local(Wall::now()));
    }
    void print() const { std::fputs(text_.c_str(), stdout); }
    [[nodiscard]] bool empty() const { return text_.empty(); }

  private:
    const Config& config_;
    Zone zone_;
    std::string text_;
};

int refuse(int code, const std::string& why) {
    std::fprintf(stderr, "worker: %s\n", why.c_str());
    return code;
}

std::string in_words(const Condition& condition) {
    constexpr std::string_view kinds[] = {"contains", "equals", "in", "at_least", "between"};
    std::string values;
    for (const std::string& value : condition.values)
        values += (values.empty() ? "" : ", ") + one_line(value, 60);
    if (condition.kind == Condition::Kind::at_least) values = std::to_string(condition.least);
    return condition.field + " " + std::string(kinds[static_cast<std::size_t>(condition.kind)]) +
           " " + values;
}

void message_line(Page& page, const StoredMessage& message) {
    page.line("  message {}  {}{}  {}, {} tries, changed {}{}", message.key, message.channel,
              message.recipient.empty() ? "" : " to " + message.recipient,
              name_of(message.life.phase), message.life.attempts, page.time(message.changed),
              message.life.reply.empty() ? "" : "  [" + one_line(message.life.reply) + "]");
}

void event_lines(Page& page, StoreView& view, OutboxStore& outbox, const StoreView::Event& event) {
    page.line("event {}  {} of {} in {}, tick {}, {}", event.id, event.kind, one_line(event.item),
              event.watch, event.tick, page.time(event.at));
    std::size_t told = 0;
    for (const std::string& key : view.messages_of(event.id)) {
        if (const auto message = outbox.find(key)) message_line(page, *message);
        ++told;
    }
    for (const std::string& channel : view.held_by(event.id)) {
        page.line("  held back for {} until its quiet hours end", channel);
        ++told;
    }
    if (told == 0)
        page.line(
            "  in no message: not asked for in `events`, found by the first look, or "
            "forgotten since");
}

void showtime_lines(Page& page, const StoreView::Showtime& showtime) {
    const Item& item = showtime.known.item;
    const auto count = [](const std::optional<int>& number) {
        return number ? std::to_string(*number) : "?";
    };
    page.line("showtime {} in {}: {}", one_line(item.id), showtime.watch,
              name_of(showtime.known.state));
    page.line("  {} {}~{}  {}  {}  {}/{} seats{}", format_date(item.date, "%Y-%m-%d"), item.start,
              one_line(item.end, 20), one_line(item.screen), one_line(item.title),
              count(item.seats), count(item.seats_total), item.bookable ? "" : ", not bookable");
    page.line("  first seen {}, last seen {}, {} changes", page.time(showtime.known.first_seen),
              page.time(showtime.known.last_seen), showtime.known.transition);
    const Watch* watch = page.watch(showtime.watch);
    if (!watch) {
        page.line("  the configuration has no such watch any more");
        return;
    }
    if (showtime.known.waiting > 0)
        page.line("  an opening, shown by {} of {} polls in a row: not told yet",
                  showtime.known.waiting, watch->confirm);
    for (const Condition& condition : watch->where)
        page.line("  where {}: {}", in_words(condition), matches(item, {condition}) ? "yes" : "no");
    page.line("  {}", matches(item, watch->where) ? "it matches" : "it does not match: not told");
}

}  // namespace

int show_state(const Config& config) {
    const std::string state = state_path(config);
    if (::access(state.c_str(), F_OK) != 0) return refuse(exit_config, state + " is not there");
    StoreView view(state);
    OutboxStore outbox(state);
    Page page(config);
    page.line("{}: {} KiB of {} MiB, schema {}", state, view.bytes() / 1024,
              config.limits.most_bytes / (1024 * 1024), view.schema());
    for (const StoreView::Watch& watch : view.watches()) {
        std::string states;
        std::uint64_t all = 0;
        for (const auto& [which, number] : watch.showtimes) {
            states += fmt::format("{}{} {}", states.empty() ? "" : ", ", number, name_of(which));
            all += number;
        }
        const Watch* known = page.watch(watch.id);
        std::string next = page.time(watch.due);
        if (watch.paused) {
            next = "not, paused since " + page.time(*watch.paused);
        } else if (known && page.ended(*known)) {
            next = "not, active_until " + format_date(*known->until, "%Y-%m-%d");
        }
        page.line("{}{}: tick {}, next {}, last read {}, {} failures in a row", watch.id,
                  known ? "" : " (not configured any more)", watch.tick, next,
                  page.time(watch.last_ok), watch.failures);
        page.line("  {} showtimes{}{}{}", all, states.empty() ? "" : ": ", states,
                  watch.told ? "" : "; not told yet");
    }
    const OutboxCounts counts = outbox.counts();
    page.line(
        "messages: {} queued, {} failed and tried again, {} uncertain, {} given up, "
        "{} skipped, {} sent; {} held back, {} never written, {} in doubt ever",
        counts.queued, counts.failed, counts.uncertain, counts.dead, counts.skipped, counts.sent,
        counts.held, counts.overflow, counts.doubtful);
    page.print();
    return exit_ok;
}

int explain(const Config& config, const std::string& id) {
    const std::string state = state_path(config);
    if (::access(state.c_str(), F_OK) != 0) return refuse(exit_config, state + " is not there");
    StoreView view(state);
    OutboxStore outbox(state);
    Page page(config);
    if (const auto message = outbox.find(id)) {
        message_line(page, *message);
        page.line("  {}", one_line(message->subject));
        for (const StoreView::Event& event : view.events_of_message(message->id))
            event_lines(page, view, outbox, event);
    }
    if (const auto event = view.event(id)) event_lines(page, view, outbox, *event);
    for (const StoreView::Showtime& showtime : view.showtimes(id))
        showtime_lines(page, showtime);
    for (const StoreView::Event& event : view.events_of_item(id))
        event_lines(page, view, outbox, event);
    if (page.empty())
        return refuse(exit_usage, "nothing is known by the name " + one_line(id, 80) +
                                      ": give the id of a showtime, an event or a message");
    page.print();
    return exit_ok;
}

}  // namespace oneloop::worker
