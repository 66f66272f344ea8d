//! The vault, composed into each component that needs it.

mod bindings {
    spin_sdk::wit_bindgen::generate!({
        inline: "
            package sam:kit@0.1.0;
            world kit {
                import sam:vault/settings@0.1.0;
                import sam:vault/sealer@0.1.0;
                import sam:vault/signer@0.1.0;
            }
        ",
        path: "../../../wit/vault",
        world: "sam:kit/kit",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

pub use bindings::sam::vault::{sealer, settings, signer};
