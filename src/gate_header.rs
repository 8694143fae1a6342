//! The fields by which the gate and the inner server know each other. The gate overwrites them on every request.

/// The client's address.
pub(crate) const ADDRESS: &str = "x-real-ip";
/// Set when the request came through a proxy, which may stand on this machine: the address is the proxy's.
pub(crate) const PROXIED: &str = "x-strongroom-proxied";
/// The method as the client sent it: a field of a form does not change it.
pub(crate) const METHOD: &str = "x-strongroom-method";
/// The secret of this start, without which the inner server answers nothing.
pub(crate) const SECRET: &str = "x-strongroom-gate";
