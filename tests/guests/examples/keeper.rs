//! The dependency of the composition tests: exports a function that reads the variable `secret`.

#[expect(unsafe_code, reason = "generated: the canonical ABI")]
mod wit {
    spin_sdk::wit_bindgen::generate!({
        path: "wit",
        world: "keeper",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
    });

    use super::Keeper;
    export!(Keeper);
}

struct Keeper;

impl wit::exports::test::secret::reader::Guest for Keeper {
    async fn read() -> Result<String, String> {
        spin_sdk::variables::get("secret")
            .await
            .map_err(|error| format!("{error:?}"))
    }
}
