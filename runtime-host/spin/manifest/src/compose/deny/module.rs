//! The core module inside a denier: how each function of the denied interfaces answers.
//!
//! Handles among the arguments are dropped, as the canonical ABI demands; a function that hands out a resource and
//! cannot fail hands out one whose own functions refuse. Functions that are `async` in WIT are lifted synchronously:
//! a constant needs no waiting.

use wit_parser::abi::{AbiVariant, FlatTypes, WasmSignature, WasmType};
use wit_parser::{
    Function, FunctionKind, Handle, LiftLowerAbi, ManglingAndAbi, Resolve, ResourceIntrinsic, Type, TypeDefKind,
    TypeId, TypeOwner, WasmExport, WasmExportKind, WasmImport, WorldId, WorldItem, WorldKey,
};

use super::encode::{Answer, IntrinsicImport, Refuser, encode};
use super::refusal::{Image, dealiased, resource};

const ABI: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);

/// Builds the module that implements every interface exported by `world`.
pub(super) fn refusing_module(resolve: &Resolve, world: WorldId) -> Result<Vec<u8>, String> {
    let Some(exports) = resolve.worlds.get(world).map(|world| &world.exports) else {
        return Err("the world is gone".into());
    };
    let mut builder = Builder {
        resolve,
        world,
        imports: Vec::new(),
        image: Image::new(resolve),
    };
    let mut functions = Vec::new();
    for (key, item) in exports {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        for function in resolve
            .interfaces
            .get(*id)
            .into_iter()
            .flat_map(|interface| interface.functions.values())
        {
            functions.push(builder.function(key, function)?);
        }
    }
    let memory = resolve.wasm_export_name(ABI, WasmExport::Memory);
    let realloc = resolve.wasm_export_name(ABI, WasmExport::Realloc);
    Ok(encode(
        &builder.imports,
        &functions,
        builder.image.into_bytes(),
        &memory,
        &realloc,
    ))
}

struct Builder<'r> {
    resolve: &'r Resolve,
    world: WorldId,
    imports: Vec<IntrinsicImport>,
    image: Image<'r>,
}

impl Builder<'_> {
    fn function(&mut self, key: &WorldKey, function: &Function) -> Result<Refuser, String> {
        let signature = self.resolve.wasm_signature(AbiVariant::GuestExport, function);
        let kind = WasmExportKind::Normal;
        let export = self.resolve.wasm_export_name(
            ABI,
            WasmExport::Func {
                interface: Some(key),
                func: function,
                kind,
            },
        );
        let answer = self.answer(key, function, &signature)?;
        let drops = if signature.indirect_params {
            Vec::new()
        } else {
            self.drops(function)
        };
        Ok(Refuser {
            export,
            signature,
            drops,
            answer,
        })
    }

    fn answer(&mut self, key: &WorldKey, function: &Function, signature: &WasmSignature) -> Result<Answer, String> {
        let interface = self.resolve.name_world_key(key);
        let Some(result) = &function.result else {
            return Ok(Answer::Nothing);
        };
        if let Some(value) = self.image.refusal(result, &format!("{interface:?} is not permitted")) {
            return Ok(match signature.results.first() {
                Some(_) if signature.retptr => Answer::At(self.image.store(&value)),
                Some(flat) => {
                    let mut constant = [0; 8];
                    constant.iter_mut().zip(value).for_each(|(to, from)| *to = from);
                    Answer::Constant(*flat, constant)
                }
                None => Answer::Nothing,
            });
        }
        match &function.kind {
            FunctionKind::Method(_) | FunctionKind::AsyncMethod(_) => Ok(Answer::Unreachable),
            _ => match self.own_exported(result) {
                Some((owner, resource)) => {
                    let intrinsic = ResourceIntrinsic::ExportedNew;
                    Ok(Answer::NewHandle(self.import(&owner, resource, intrinsic, true)))
                }
                None => Err(format!(
                    "the result of `{}` in {interface} has no value that says no",
                    function.name
                )),
            },
        }
    }

    /// The resource of an `own<…>` that the denier itself exports.
    fn own_exported(&self, ty: &Type) -> Option<(WorldKey, TypeId)> {
        let Some(Handle::Own(id)) = self.handle(ty) else {
            return None;
        };
        let owner = self.owner(id)?;
        self.is_exported(&owner).then_some((owner, id))
    }

    /// Handles among the arguments that must be dropped: those of resources the denier does not define itself.
    fn drops(&mut self, function: &Function) -> Vec<(u32, u32, Option<u32>)> {
        let mut drops = Vec::new();
        let mut at: u32 = 0;
        for parameter in &function.params {
            let optional = match dealiased(self.resolve, &parameter.ty) {
                Type::Id(id) => match self.resolve.types.get(id).map(|definition| &definition.kind) {
                    Some(TypeDefKind::Option(inner)) => Some(*inner),
                    _ => None,
                },
                _ => None,
            };
            let handle = self.handle(&optional.unwrap_or(parameter.ty));
            if let Some(Handle::Own(id) | Handle::Borrow(id)) = handle
                && let Some(owner) = self.owner(id)
                && !self.is_exported(&owner)
            {
                let import = self.import(&owner, id, ResourceIntrinsic::ImportedDrop, false);
                drops.push(match optional {
                    None => (at, import, None),
                    Some(_) => (at + 1, import, Some(at)),
                });
            }
            let mut flat = [WasmType::I32; Resolve::MAX_FLAT_PARAMS];
            let mut flat = FlatTypes::new(&mut flat);
            self.resolve.push_flat(&parameter.ty, &mut flat);
            at += flat.to_vec().len() as u32;
        }
        drops
    }

    /// The handle that `ty` is, with the resource behind its aliases.
    fn handle(&self, ty: &Type) -> Option<Handle> {
        let Type::Id(id) = dealiased(self.resolve, ty) else {
            return None;
        };
        match self.resolve.types.get(id)?.kind {
            TypeDefKind::Handle(Handle::Own(id)) => Some(Handle::Own(resource(self.resolve, id))),
            TypeDefKind::Handle(Handle::Borrow(id)) => Some(Handle::Borrow(resource(self.resolve, id))),
            _ => None,
        }
    }

    fn owner(&self, resource: TypeId) -> Option<WorldKey> {
        match self.resolve.types.get(resource)?.owner {
            TypeOwner::Interface(id) => Some(WorldKey::Interface(id)),
            _ => None,
        }
    }

    fn is_exported(&self, interface: &WorldKey) -> bool {
        self.resolve
            .worlds
            .get(self.world)
            .is_some_and(|world| world.exports.contains_key(interface))
    }

    fn import(&mut self, owner: &WorldKey, resource: TypeId, intrinsic: ResourceIntrinsic, returns: bool) -> u32 {
        let import = WasmImport::ResourceIntrinsic {
            interface: Some(owner),
            resource,
            intrinsic,
        };
        let (module, name) = self.resolve.wasm_import_name(ABI, import);
        let import = IntrinsicImport { module, name, returns };
        let known = self.imports.iter().position(|known| *known == import);
        known.unwrap_or_else(|| {
            self.imports.push(import);
            self.imports.len() - 1
        }) as u32
    }
}
