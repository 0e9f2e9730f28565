// mailer and webhook: one try to deliver one message, over SMTP or HTTP.
//
// Not for when and how often (deliverer.h). Both block, and are called on the delivering thread.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "worker/channel.h"
#include "worker/outbox.h"

namespace oneloop::worker {

struct Parcel {
    std::string key;
    std::string recipient;
    std::string subject;
    std::string payload;
};

// `arm` is called once before the receiver gets the end of the payload, and must have stored it
// durably when it returns true. `settled` is called as soon as the outcome is known, before the
// connection is closed: a mail server may take its time over a QUIT.
struct Hooks {
    std::function<bool()> arm;
    std::function<void(const Outcome&)> settled;
};

void send_mail(const Channel& channel, const Parcel& parcel, const Hooks& hooks,
               const std::stop_token& stop);
void send_webhook(const Channel& channel, const Parcel& parcel, const Hooks& hooks,
                  const std::stop_token& stop);

}  // namespace oneloop::worker
