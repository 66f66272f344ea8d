//! The value that says no, for the result type of a function.
//!
//! A function that returns a `result` answers with the error case that says so; one that returns a list, an option
//! or a record of these answers with nothing. Values are written as the canonical ABI stores them in linear memory
//! (32-bit, little-endian), strings included, into one image that becomes the data of the module.

use wit_parser::{Int, Resolve, SizeAlign, Type, TypeDefKind, TypeId};

/// Error cases that can carry a refusal, the best first.
const CASES: [&str; 7] = [
    "access-denied",
    "not-permitted",
    "undefined",
    "internal-error",
    "io",
    "other",
    "provider",
];

/// The memory of the denier: constants at fixed addresses.
pub(super) struct Image<'r> {
    resolve: &'r Resolve,
    sizes: SizeAlign,
    bytes: Vec<u8>,
}

impl<'r> Image<'r> {
    pub(super) fn new(resolve: &'r Resolve) -> Self {
        let mut sizes = SizeAlign::default();
        sizes.fill(resolve);
        // Address 0 stays unused: it is what an empty list points to.
        Self {
            resolve,
            sizes,
            bytes: vec![0; 16],
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Stores `value` at an address that suits any type, and returns the address.
    pub(super) fn store(&mut self, value: &[u8]) -> usize {
        let address = self.bytes.len().next_multiple_of(8);
        self.bytes.resize(address, 0);
        self.bytes.extend_from_slice(value);
        address
    }

    /// The refusing value of type `ty`, with `message` where an error has room for one. `None` if the type has none.
    pub(super) fn refusal(&mut self, ty: &Type, message: &str) -> Option<Vec<u8>> {
        let mut value = vec![0; self.sizes.size(ty).size_wasm32()];
        let kind = match ty {
            Type::Id(id) => &self.resolve.types.get(*id)?.kind,
            Type::ErrorContext => return None,
            // Zero, false and "" (address 0, length 0).
            _ => return Some(value),
        };
        match kind {
            TypeDefKind::Type(aliased) => return self.refusal(aliased, message),
            TypeDefKind::Result(result) => {
                let cases = [result.ok.as_ref(), result.err.as_ref()];
                *value.first_mut()? = 1;
                if let Some(error) = &result.err {
                    let offset = self.sizes.payload_offset(Int::U8, cases).size_wasm32();
                    put(&mut value, offset, &self.error(error, message)?)?;
                }
            }
            TypeDefKind::Record(record) => {
                self.fields(&mut value, record.fields.iter().map(|field| &field.ty), message)?;
            }
            TypeDefKind::Tuple(tuple) => self.fields(&mut value, &tuple.types, message)?,
            TypeDefKind::List(_) | TypeDefKind::Option(_) | TypeDefKind::Flags(_) => {}
            _ => return None,
        }
        Some(value)
    }

    fn fields<'t>(&mut self, value: &mut [u8], types: impl IntoIterator<Item = &'t Type>, message: &str) -> Option<()> {
        for (offset, ty) in self.sizes.field_offsets(types) {
            put(value, offset.size_wasm32(), &self.refusal(ty, message)?)?;
        }
        Some(())
    }

    /// The case of an error type that says no.
    fn error(&mut self, ty: &Type, message: &str) -> Option<Vec<u8>> {
        let mut value = vec![0; self.sizes.size(ty).size_wasm32()];
        let kind = match ty {
            Type::String => return Some(self.message(message)),
            Type::Id(id) => &self.resolve.types.get(*id)?.kind,
            _ => return None,
        };
        match kind {
            TypeDefKind::Type(aliased) => return self.error(aliased, message),
            TypeDefKind::Enum(cases) => {
                let case = best_case(&cases.cases.iter().map(|case| case.name.as_str()))?;
                put_case(&mut value, cases.tag(), case)?;
            }
            TypeDefKind::Variant(variant) => {
                let case = best_case(&variant.cases.iter().map(|case| case.name.as_str()))?;
                put_case(&mut value, variant.tag(), case)?;
                if let Some(payload) = &variant.cases.get(case)?.ty {
                    let types = variant.cases.iter().map(|case| case.ty.as_ref());
                    let offset = self.sizes.payload_offset(variant.tag(), types).size_wasm32();
                    put(&mut value, offset, &self.payload(payload, message)?)?;
                }
            }
            _ => return None,
        }
        Some(value)
    }

    /// What an error case carries: the message, wherever it has room for it.
    fn payload(&mut self, ty: &Type, message: &str) -> Option<Vec<u8>> {
        let optional = match dealiased(self.resolve, ty) {
            Type::String => return Some(self.message(message)),
            Type::Id(id) => match &self.resolve.types.get(id)?.kind {
                TypeDefKind::Option(inner) => *inner,
                _ => return self.refusal(ty, message),
            },
            _ => return self.refusal(ty, message),
        };
        if dealiased(self.resolve, &optional) != Type::String {
            return self.refusal(ty, message);
        }
        let mut value = vec![0; self.sizes.size(ty).size_wasm32()];
        *value.first_mut()? = 1;
        let offset = self
            .sizes
            .payload_offset(Int::U8, [None, Some(&optional)])
            .size_wasm32();
        put(&mut value, offset, &self.message(message))?;
        Some(value)
    }

    /// A string: its address and its length.
    fn message(&mut self, message: &str) -> Vec<u8> {
        let address = self.store(message.as_bytes());
        [address, message.len()]
            .into_iter()
            .flat_map(|part| (part as u32).to_le_bytes())
            .collect()
    }
}

/// The type behind any chain of `type a = b` and `use`.
pub(super) fn dealiased(resolve: &Resolve, ty: &Type) -> Type {
    let mut ty = *ty;
    while let Type::Id(id) = ty
        && let Some(TypeDefKind::Type(aliased)) = resolve.types.get(id).map(|definition| &definition.kind)
    {
        ty = *aliased;
    }
    ty
}

/// The resource behind any chain of aliases.
pub(super) fn resource(resolve: &Resolve, id: TypeId) -> TypeId {
    match dealiased(resolve, &Type::Id(id)) {
        Type::Id(resource) => resource,
        _ => id,
    }
}

fn best_case<'n>(names: &(impl Iterator<Item = &'n str> + Clone)) -> Option<usize> {
    CASES
        .iter()
        .find_map(|wanted| names.clone().position(|name| name == *wanted))
}

fn put_case(value: &mut [u8], tag: Int, case: usize) -> Option<()> {
    let case = (case as u32).to_le_bytes();
    let size = match tag {
        Int::U8 => 1,
        Int::U16 => 2,
        Int::U32 | Int::U64 => 4,
    };
    put(value, 0, case.get(..size)?)
}

fn put(value: &mut [u8], offset: usize, part: &[u8]) -> Option<()> {
    value.get_mut(offset..offset + part.len())?.copy_from_slice(part);
    Some(())
}
