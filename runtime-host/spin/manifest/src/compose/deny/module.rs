//! The core module inside a denier: one function for each function of the denied interfaces.
//!
//! Arguments are never read, so `cabi_realloc` hands out the same address every time and memory grows only to the
//! largest argument ever passed. Handles among the arguments are dropped, as the canonical ABI demands. Functions
//! that are `async` in WIT are lifted synchronously: a constant needs no waiting.

use std::iter::repeat_n;

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, FunctionSection,
    ImportSection, InstructionSink, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_parser::abi::{AbiVariant, FlatTypes, WasmSignature, WasmType};
use wit_parser::{
    Function, FunctionKind, Handle, LiftLowerAbi, ManglingAndAbi, Resolve, ResourceIntrinsic, Type, TypeDefKind,
    TypeId, TypeOwner, WasmExport, WasmExportKind, WasmImport, WorldId, WorldItem, WorldKey,
};

use super::refusal::{Image, dealiased, resource};

const ABI: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
const PAGE_BYTES: usize = 65_536;

/// How one function answers.
enum Answer {
    /// Nothing to return.
    Nothing,
    /// The address of the constant in memory.
    At(usize),
    /// The constant itself.
    Constant(WasmType, [u8; 8]),
    /// A new handle of a resource whose methods refuse in turn; the index of the `resource.new` import.
    NewHandle(u32),
    /// No caller can exist: it is a method of a resource that the denier never hands out.
    Unreachable,
}

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
    Ok(builder.encode(&functions))
}

/// One function of the module, ready to be encoded once the number of imports is known.
struct Refuser {
    export: String,
    signature: WasmSignature,
    /// Index of the argument, index of the `resource.drop` import, and the argument that says whether there is one.
    drops: Vec<(u32, u32, Option<u32>)>,
    answer: Answer,
}

struct Builder<'r> {
    resolve: &'r Resolve,
    world: WorldId,
    /// Module, name and whether it returns a handle; each takes one `i32`.
    imports: Vec<(String, String, bool)>,
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
        let import = (module, name, returns);
        let known = self.imports.iter().position(|known| *known == import);
        known.unwrap_or_else(|| {
            self.imports.push(import);
            self.imports.len() - 1
        }) as u32
    }

    fn encode(self, functions: &[Refuser]) -> Vec<u8> {
        let data = self.image.into_bytes();
        let arguments_at = data.len().next_multiple_of(PAGE_BYTES);
        let (mut types, mut imports, mut declared) = (TypeSection::new(), ImportSection::new(), FunctionSection::new());
        let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());

        for (module, name, returns) in &self.imports {
            imports.import(module, name, EntityType::Function(types.len()));
            types
                .ty()
                .function([ValType::I32], repeat_n(ValType::I32, usize::from(*returns)));
        }
        for (index, function) in (imports.len()..).zip(functions) {
            declared.function(types.len());
            types
                .ty()
                .function(flat(&function.signature.params), flat(&function.signature.results));
            exports.export(&function.export, ExportKind::Func, index);
            code.function(&function.encode());
        }
        let realloc = self.resolve.wasm_export_name(ABI, WasmExport::Realloc);
        exports.export(&realloc, ExportKind::Func, imports.len() + declared.len());
        declared.function(types.len());
        types.ty().function([ValType::I32; 4], [ValType::I32]);
        code.function(&reallocate(arguments_at));

        let mut memories = MemorySection::new();
        let pages = (arguments_at / PAGE_BYTES) as u64;
        memories.memory(MemoryType {
            minimum: pages,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        exports.export(
            &self.resolve.wasm_export_name(ABI, WasmExport::Memory),
            ExportKind::Memory,
            0,
        );
        let mut segments = DataSection::new();
        segments.active(0, &ConstExpr::i32_const(0), data);

        let mut module = Module::new();
        module
            .section(&types)
            .section(&imports)
            .section(&declared)
            .section(&memories)
            .section(&exports);
        module.section(&code).section(&segments);
        module.finish()
    }
}

impl Refuser {
    fn encode(&self) -> wasm_encoder::Function {
        let mut function = wasm_encoder::Function::new([]);
        let mut code = function.instructions();
        for (argument, drop, present) in &self.drops {
            match present {
                None => _ = code.local_get(*argument).call(*drop),
                Some(present) => {
                    code.local_get(*present)
                        .if_(BlockType::Empty)
                        .local_get(*argument)
                        .call(*drop)
                        .end();
                }
            }
        }
        match &self.answer {
            Answer::Nothing => {}
            Answer::At(address) => _ = code.i32_const(*address as i32),
            Answer::Constant(ty, bytes) => constant(&mut code, *ty, *bytes),
            Answer::NewHandle(new) => _ = code.i32_const(0).call(*new),
            Answer::Unreachable => _ = code.unreachable(),
        }
        code.end();
        function
    }
}

fn constant(code: &mut InstructionSink<'_>, ty: WasmType, bytes: [u8; 8]) {
    let wide = i64::from_le_bytes(bytes);
    match value_type(ty) {
        ValType::I64 => _ = code.i64_const(wide),
        ValType::F32 => _ = code.f32_const(f32::from_bits(wide as u32).into()),
        ValType::F64 => _ = code.f64_const(f64::from_bits(wide as u64).into()),
        _ => _ = code.i32_const(wide as i32),
    }
}

/// `cabi_realloc`: makes sure that the requested bytes exist behind the data, and answers where the data ends.
fn reallocate(arguments_at: usize) -> wasm_encoder::Function {
    const WANTED_BYTES: u32 = 3;
    const MISSING_PAGES: u32 = 4;
    let mut function = wasm_encoder::Function::new([(1, ValType::I64)]);
    let mut code = function.instructions();
    code.local_get(WANTED_BYTES).i64_extend_i32_u();
    code.i64_const((arguments_at + PAGE_BYTES - 1) as i64)
        .i64_add()
        .i64_const(16)
        .i64_shr_u();
    code.memory_size(0)
        .i64_extend_i32_u()
        .i64_sub()
        .local_tee(MISSING_PAGES);
    code.i64_const(0).i64_gt_s().if_(BlockType::Empty);
    // Out of memory is the one trap a caller can cause, and only by an argument that it could hold itself.
    code.local_get(MISSING_PAGES)
        .i32_wrap_i64()
        .memory_grow(0)
        .i32_const(-1)
        .i32_eq();
    code.if_(BlockType::Empty).unreachable().end();
    code.end().i32_const(arguments_at as i32).end();
    function
}

fn flat(types: &[WasmType]) -> Vec<ValType> {
    types.iter().map(|ty| value_type(*ty)).collect()
}

fn value_type(ty: WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}
