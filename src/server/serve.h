// `mailweir serve`: runs the server in the foreground until a signal ends it.
//
// SIGTERM and SIGINT stop it in order, SIGHUP reads the configuration again. Tells systemd when it
// is ready (sd_notify protocol) if NOTIFY_SOCKET is set.
#pragma once

#include <string>

namespace mailweir::server {

// `config_file` empty: the embedded defaults. Returns the exit status (docs/cli.md): 0 after a
// signal, 1 if it could not start, 5 if the configuration is wrong.
int serve(const std::string& config_file);

}  // namespace mailweir::server
