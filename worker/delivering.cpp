#include "worker/delivering.h"

#include "common/log.h"
#include "worker/curl_look.h"
#include "worker/exec_channel.h"
#include "worker/text.h"

namespace oneloop::worker {
namespace {

void publish(StatusBoard& board, const Zone& zone, const OutboxCounts& counts,
             const std::vector<StoredMessage>& uncertain) {
    OutboxStatus status;
    status.counts = counts;
    for (const StoredMessage& message : uncertain) {
        // Any page of the person's browser may read /status.
        status.which.push_back({message.key, message.channel, veiled(message.recipient),
                                message.subject, zone.rfc3339(message.changed),
                                without_address(message.life.reply, message.recipient)});
    }
    board.publish_outbox(std::move(status));
}

void report(const StoredMessage& message, const Delivery& after) {
    const std::string what = message.channel +
                             (message.recipient.empty() ? "" : " to " + veiled(message.recipient)) +
                             " (" + message.key + ")";
    const std::string reply = one_line(after.reply);
    switch (after.phase) {
        case Phase::sent:
            log::info("sent by {}: {}", what, reply);
            break;
        case Phase::failed:
        case Phase::queued:
            log::warn("not sent by {}, try {}, again later: {}", what, after.attempts, reply);
            break;
        case Phase::uncertain:
            log::warn(
                "uncertain whether {} has it: {}; {}", what, reply,
                after.next ? "it goes on by itself" : "see worker --outbox, --resend and --skip");
            break;
        case Phase::skipped:
            log::warn("uncertain whether {} has it: {}; skipped", what, reply);
            break;
        case Phase::dead:
            log::error("given up, {}: {}", what, reply);
            break;
        case Phase::armed:
            break;
    }
}

}  // namespace

std::vector<std::string> secret_variables(const std::vector<Channel>& channels) {
    std::vector<std::string> names;
    const auto add = [&](const Setting& setting) {
        if (setting.from.starts_with("env ")) names.push_back(setting.from.substr(4));
    };
    for (const Channel& channel : channels) {
        add(channel.url);
        add(channel.password);
        add(channel.verify.password);
        for (const auto& [name, value] : channel.headers)
            add(value);
    }
    return names;
}

void send_by_kind(const Channel& channel, const std::vector<std::string>& hidden,
                  const Parcel& parcel, const Hooks& hooks, const std::stop_token& stop) {
    switch (channel.kind) {
        case Channel::Kind::smtp:
            return send_mail(channel, parcel, hooks, stop);
        case Channel::Kind::webhook:
            return send_webhook(channel, parcel, hooks, stop);
        case Channel::Kind::exec:
            return run_program(channel, hidden, parcel, hooks);
    }
}

Look look_by_kind(const Channel& channel, const Parcel& parcel, const std::stop_token& stop) {
    const std::string id = message_id_of(parcel.payload);
    if (channel.verify.url.empty() || id.empty())
        return CouldNotLook{"no mailbox is configured for it"};
    return look_for(channel, id, stop);
}

std::vector<std::unique_ptr<Deliverer>> make_deliverers(const Config& config,
                                                        const std::string& state, Zone zone,
                                                        StatusBoard& board,
                                                        std::function<bool()> may_continue) {
    Deliverer::Parts parts;
    parts.send = [hidden = secret_variables(config.channels)](
                     const Channel& channel, const Parcel& parcel, const Hooks& hooks,
                     const std::stop_token& stop) {
        send_by_kind(channel, hidden, parcel, hooks, stop);
    };
    parts.look = look_by_kind;
    parts.now = [] { return Wall::now(); };
    parts.quiet = [zone](const Channel& channel, WallTime now) -> std::optional<WallTime> {
        if (!channel.quiet || !quiet_at(*channel.quiet, zone.local(now))) return std::nullopt;
        return std::chrono::floor<std::chrono::seconds>(now) +
               quiet_left(*channel.quiet, zone.local(now));
    };
    parts.may_continue = std::move(may_continue);
    parts.limits = config.limits;
    parts.changed = [&board, zone](const OutboxCounts& counts,
                                   const std::vector<StoredMessage>& uncertain) {
        publish(board, zone, counts, uncertain);
    };
    parts.report = report;
    std::vector<std::unique_ptr<Deliverer>> deliverers;
    for (const Channel& channel : config.channels) {
        Share share{{channel.id}, false};
        if (deliverers.empty()) {
            share = {{}, true};
            for (const Channel& other : config.channels) {
                if (other.id != channel.id) share.list.push_back(other.id);
            }
        }
        deliverers.push_back(std::make_unique<Deliverer>(
            std::vector<Channel>{channel}, OutboxStore(state), parts, std::move(share)));
    }
    return deliverers;
}

}  // namespace oneloop::worker
