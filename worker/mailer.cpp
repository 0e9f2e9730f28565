#include "worker/mailer.h"

#include "worker/curl_send.h"

namespace oneloop::worker {
namespace {

std::string bracketed(const std::string& address) {
    return "<" + address + ">";
}

void aim(CurlSend& send, const Channel& channel, const char* protocols) {
    send.set(CURLOPT_PROTOCOLS_STR, protocols);
    send.set(CURLOPT_URL, channel.url.value);
    send.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!channel.ca.empty()) send.set(CURLOPT_CAINFO, channel.ca);
}

}  // namespace

void send_mail(const Channel& channel, const Parcel& parcel, const Hooks& hooks,
               const std::stop_token& stop) {
    CurlList recipients;
    CurlSend send(parcel.payload, CurlSend::End::afterwards, hooks.arm, stop, channel.timeout);
    aim(send, channel, "smtp,smtps");
    send.set(CURLOPT_USE_SSL,
             static_cast<long>(channel.tls == Channel::Tls::required ? CURLUSESSL_ALL
                                                                     : CURLUSESSL_NONE));
    if (!channel.user.empty()) {
        send.set(CURLOPT_USERNAME, channel.user);
        send.set(CURLOPT_PASSWORD, channel.password.value);
    }
    send.set(CURLOPT_MAIL_FROM, bracketed(channel.from.address));
    send.add(recipients, CURLOPT_MAIL_RCPT, bracketed(parcel.recipient));
    send.set(CURLOPT_UPLOAD, 1L);
    hooks.settled(judge_smtp(send.perform()));
}

void send_webhook(const Channel& channel, const Parcel& parcel, const Hooks& hooks,
                  const std::stop_token& stop) {
    CurlList headers;
    CurlSend send(parcel.payload, CurlSend::End::last_byte, hooks.arm, stop, channel.timeout);
    aim(send, channel, "http,https");
    send.set(CURLOPT_TIMEOUT_MS, static_cast<long>(channel.timeout.count()));
    send.set(CURLOPT_FOLLOWLOCATION, 0L);
    send.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    send.set(CURLOPT_USERAGENT, "oneloop/" ONELOOP_VERSION);
    send.set(CURLOPT_POST, 1L);
    send.set(CURLOPT_CUSTOMREQUEST, channel.method);
    send.set(CURLOPT_POSTFIELDSIZE, static_cast<long>(parcel.payload.size()));
    const auto header = [&](const std::string& name, const std::string& value) {
        send.add(headers, CURLOPT_HTTPHEADER, name + ": " + value);
    };
    header("Content-Type", channel.content_type);
    if (!channel.idempotency_header.empty()) header(channel.idempotency_header, parcel.key);
    for (const auto& [name, value] : channel.headers)
        header(name, value.value);
    // Without it libcurl waits up to a second for "100 Continue" before a longer body.
    send.add(headers, CURLOPT_HTTPHEADER, "Expect:");
    hooks.settled(judge_http(send.perform()));
}

}  // namespace oneloop::worker
