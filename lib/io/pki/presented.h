// What a server shows of itself before anybody believes it.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"

namespace cromt::pki {

// Shakes hands with a TLS server at HOST:PORT, believing nothing, and returns that one of the certificates it shows
// whose fingerprint is `fingerprint` (as of Fingerprints()), as PEM: an authority that somebody trusts by having been
// told of it otherwise. kDenied if it shows none such, kUnavailable if it does not answer within `patience` or speaks
// no TLS.
Result<std::string> PresentedCertificate(const std::string& address, const std::string& fingerprint, Duration patience);

}  // namespace cromt::pki
