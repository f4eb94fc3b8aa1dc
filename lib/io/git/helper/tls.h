// Whose signature makes an https server's certificate good.
#pragma once

#include <string>

#include "base/result.h"

namespace cromt::git {

// The system's certificates (or those of SSL_CERT_FILE, as everywhere), and besides, if `ca_file` is not empty, those
// in it (PEM). kInvalid if it holds none. For all connections of this process.
Status TrustCertificates(const std::string& ca_file);

}  // namespace cromt::git
