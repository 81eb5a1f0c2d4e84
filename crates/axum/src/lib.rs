//! Session per request for [axum].
