//! The fields by which the gate and the inner server know each other. The gate overwrites both on every request.

/// The client's address.
pub(crate) const ADDRESS: &str = "x-real-ip";
/// The secret of this start, without which the inner server answers nothing.
pub(crate) const SECRET: &str = "x-strongroom-gate";
