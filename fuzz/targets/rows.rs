#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sessionpool_tenten::fuzz::rows(bytes));
