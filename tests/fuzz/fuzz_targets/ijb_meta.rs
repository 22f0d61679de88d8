#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = qgface_data_fuzz::feeds::feed("ijb_meta", bytes);
});
