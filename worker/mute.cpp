#include "worker/mute.h"

namespace oneloop::worker {

Alerts silenced(Alerts alerts) {
    alerts.messages.clear();
    alerts.held.clear();
    alerts.overflow.clear();
    alerts.overflow_told.clear();
    alerts.down_told.reset();
    return alerts;
}

}  // namespace oneloop::worker
