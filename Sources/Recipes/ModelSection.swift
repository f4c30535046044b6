package import Tensors

/// `model`: the frozen base.
package struct ModelSection: RecipeSection {
  package static let help = "The frozen base model and how it is held in memory."
  package init() {}

  @Key(
    "Base model: a Hugging Face directory (config.json, safetensors, tokenizer), a .gguf file, or a repository of "
      + "the hub, OWNER/NAME[@REVISION][:FILE], where there is no such path.",
    .required, .elsewhere("base_model", "model_name_or_path", "model"))
  package var path = ""

  @Key(
    "Type of activations and products. \"bfloat16\" takes less memory and is several times faster where "
      + "the processor multiplies it; \"float32\" is exact.",
    .elsewhere("dtype", "torch_dtype", "bf16", "fp16"))
  package var computeDtype = ComputeType.bfloat16

  @Key(
    "Holds every linear layer but the output head in 4-bit NormalFloat (QLoRA); null keeps compute_dtype,"
      + " and the bits of a GPTQ or AWQ model.",
    .elsewhere("load_in_4bit", "quantization_bit", "bnb_4bit_quant_type"))
  package var quantization: Quantization? = nil

  @Key(
    "With \"nf4\": quantizes the block scales as well, which saves 0.4 bits a weight.",
    .elsewhere("bnb_4bit_use_double_quant"))
  package var doubleQuantization = true
}

extension ComputeType: RecipeChoice {}
extension Quantization: RecipeChoice {}
