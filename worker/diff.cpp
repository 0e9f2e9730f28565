#include "worker/diff.h"

#include <array>
#include <utility>

namespace oneloop::worker {
namespace {

constexpr std::array<std::pair<State, std::string_view>, 5> state_names = {{
    {State::available, "available"},
    {State::sold_out, "sold_out"},
    {State::gone, "gone"},
    {State::started, "started"},
    {State::unconfirmed, "unconfirmed"},
}};

State state_of(const Item& item) {
    return sold_out(item) ? State::sold_out : State::available;
}

// A missing number means "as before".
void keep_last_known(Item& item, const Item& before) {
    if (!item.seats) item.seats = before.seats;
    if (!item.seats_total) item.seats_total = before.seats_total;
}

}  // namespace

std::string_view name_of(State state) {
    for (const auto& [value, name] : state_names) {
        if (value == state) return name;
    }
    return "gone";
}

State state_from(std::string_view name) {
    for (const auto& [value, known] : state_names) {
        if (known == name) return value;
    }
    return State::gone;
}

std::string_view name_of(EventKind kind) {
    switch (kind) {
        case EventKind::opened:
            return "opened";
        case EventKind::available:
            return "available";
        case EventKind::sold_out:
            return "sold_out";
        case EventKind::changed:
            return "changed";
        case EventKind::gone:
            return "gone";
    }
    return "gone";
}

std::optional<EventKind> event_kind_from(std::string_view name) {
    for (const EventKind kind : {EventKind::opened, EventKind::available, EventKind::sold_out,
                                 EventKind::changed, EventKind::gone}) {
        if (name_of(kind) == name) return kind;
    }
    return std::nullopt;
}

Difference compare(const Ledger& known, const std::vector<Item>& fetched, Date date, LocalTime now,
                   std::int64_t wall, bool whole, unsigned confirm,
                   const std::set<std::string>& elsewhere) {
    Difference result;
    std::set<std::string> present;
    const auto tell = [&](EventKind kind, Known& row) {
        result.events.push_back({kind, row.item, ++row.transition});
    };
    // One more poll has shown it.
    const auto open = [&](EventKind kind, Known& row) {
        if (++row.waiting < confirm) return;
        row.waiting = 0;
        row.state = state_of(row.item);
        tell(kind, row);
    };
    for (const Item& item : fetched) {
        if (!present.insert(item.id).second) continue;
        const auto found = known.find(item.id);
        if (found == known.end()) {
            Known row{item, State::unconfirmed, 0, wall, wall};
            open(EventKind::opened, row);
            result.rows.push_back(std::move(row));
            continue;
        }
        Known row = found->second;
        const bool same = same_showtime(row.item, item);
        Item current = item;
        if (same) keep_last_known(current, row.item);
        const State before = row.state;
        row.item = std::move(current);
        row.last_seen = wall;
        const State seen = state_of(row.item);
        if (before == State::unconfirmed) {
            if (!same) row.waiting = 0;  // what was seen so far was another one
            open(EventKind::opened, row);
        } else if (same && before != State::available && seen == State::available) {
            // From `started` too: the clock of the cinema was wrong, or the show was moved.
            open(EventKind::available, row);
        } else {
            row.state = seen;
            row.waiting = 0;
            if (!same) {
                tell(EventKind::changed, row);
            } else if (before == State::available && seen == State::sold_out) {
                tell(EventKind::sold_out, row);
            }
        }
        result.rows.push_back(std::move(row));
    }
    if (!whole) return result;
    for (const auto& [id, before] : known) {
        if (before.item.date != date || present.contains(id) || elsewhere.contains(id)) continue;
        Known row = before;
        row.waiting = 0;
        const bool there = before.state == State::available || before.state == State::sold_out;
        if (!there) {
            // Nobody was told that it is there.
            if (before.waiting > 0) result.rows.push_back(std::move(row));
            continue;
        }
        row.state = about_to_start(row.item, now) ? State::started : State::gone;
        if (row.state == State::gone) tell(EventKind::gone, row);
        result.rows.push_back(std::move(row));
    }
    return result;
}

}  // namespace oneloop::worker
