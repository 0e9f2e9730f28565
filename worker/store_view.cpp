#include "worker/store_view.h"

#include "worker/store_sql.h"

namespace oneloop::worker {
namespace {

using SQLite::Statement;

std::uint64_t number(const SQLite::Column& column) {
    return static_cast<std::uint64_t>(column.getInt64());
}

std::vector<StoreView::Event> events(Statement row) {
    std::vector<StoreView::Event> result;
    while (row.executeStep()) {
        result.push_back({row.getColumn(0).getString(), row.getColumn(1).getString(),
                          row.getColumn(2).getString(), row.getColumn(3).getString(),
                          number(row.getColumn(4)), number(row.getColumn(5)),
                          from_ms(row.getColumn(6).getInt64())});
    }
    return result;
}

std::vector<std::string> texts(Statement row) {
    std::vector<std::string> result;
    while (row.executeStep())
        result.push_back(row.getColumn(0).getString());
    return result;
}

template <class Value>
Statement ask(SQLite::Database& db, const std::string& what, const Value& value) {
    Statement statement(db, what);
    statement.bind(1, value);
    return statement;
}

const std::string event_columns =
    "SELECT id, event.watch, kind, item, transition, tick, at_ms FROM event ";

}  // namespace

StoreView::StoreView(const std::string& path) : db_(open_state(path)) {}
StoreView::~StoreView() = default;

std::vector<StoreView::Watch> StoreView::watches() {
    return guarded("the watches", [&] {
        std::vector<Watch> result;
        Statement row(*db_,
                      "SELECT id, tick, due_ms, last_ok_ms, failures, told FROM watch ORDER BY id");
        // Made by the first that serves HTTP.
        const bool pausing = db_->tableExists("pause");
        while (row.executeStep()) {
            Watch watch;
            watch.id = row.getColumn(0).getString();
            watch.tick = number(row.getColumn(1));
            if (!row.getColumn(2).isNull()) watch.due = from_ms(row.getColumn(2).getInt64());
            if (!row.getColumn(3).isNull()) watch.last_ok = from_ms(row.getColumn(3).getInt64());
            watch.failures = row.getColumn(4).getUInt();
            watch.told = !row.getColumn(5).getString().empty();
            Statement states(*db_,
                             "SELECT state, count(*) FROM item WHERE watch = ? GROUP BY state");
            states.bind(1, watch.id);
            while (states.executeStep())
                watch.showtimes[state_from(states.getColumn(0).getString())] +=
                    number(states.getColumn(1));
            if (pausing) {
                Statement pause(*db_, "SELECT since_ms FROM pause WHERE watch = ?");
                pause.bind(1, watch.id);
                if (pause.executeStep()) watch.paused = from_ms(pause.getColumn(0).getInt64());
            }
            result.push_back(std::move(watch));
        }
        return result;
    });
}

std::vector<StoreView::Showtime> StoreView::showtimes(const std::string& id) {
    return guarded("showtime " + id, [&] {
        std::vector<Showtime> result;
        Statement row =
            ask(*db_,
                "SELECT watch, fields, state, transition, first_seen, last_seen, waiting "
                "FROM item WHERE key = ? ORDER BY watch",
                id);
        while (row.executeStep()) {
            auto item = from_ledger(id, row.getColumn(1).getString());
            if (!item) continue;
            result.push_back({row.getColumn(0).getString(),
                              {std::move(*item), state_from(row.getColumn(2).getString()),
                               number(row.getColumn(3)), row.getColumn(4).getInt64(),
                               row.getColumn(5).getInt64(), row.getColumn(6).getUInt()}});
        }
        return result;
    });
}

std::vector<StoreView::Event> StoreView::events_of_item(const std::string& item) {
    return guarded("the events of " + item, [&] {
        return events(ask(*db_, event_columns + "WHERE item = ? ORDER BY at_ms, transition", item));
    });
}

std::vector<StoreView::Event> StoreView::events_of_message(std::int64_t message) {
    return guarded("the events of a message", [&] {
        return events(ask(*db_,
                          event_columns + "JOIN message_event ON event = event.id "
                                          "WHERE message = ? ORDER BY at_ms, transition",
                          message));
    });
}

std::optional<StoreView::Event> StoreView::event(const std::string& id) {
    return guarded("event " + id, [&]() -> std::optional<Event> {
        auto found = events(ask(*db_, event_columns + "WHERE id = ?", id));
        if (found.empty()) return std::nullopt;
        return std::move(found.front());
    });
}

std::vector<std::string> StoreView::messages_of(const std::string& event) {
    return guarded("the messages of " + event, [&] {
        return texts(ask(*db_,
                         "SELECT key FROM message JOIN message_event ON message = message.id "
                         "WHERE event = ? ORDER BY message.id",
                         event));
    });
}

std::vector<std::string> StoreView::held_by(const std::string& event) {
    return guarded("what is held", [&] {
        return texts(ask(*db_, "SELECT channel FROM held WHERE id = ? ORDER BY channel", event));
    });
}

std::uint64_t StoreView::bytes() {
    return guarded("the state file", [&] {
        return number(db_->execAndGet("PRAGMA page_count")) *
               number(db_->execAndGet("PRAGMA page_size"));
    });
}

std::string StoreView::schema() {
    return guarded("the state file", [&] {
        return db_->execAndGet("SELECT value FROM meta WHERE key = 'schema'").getString();
    });
}

}  // namespace oneloop::worker
