//! What can be written on the command line about labels. Leaves its meaning to `label_files`.

use crate::spec::FeatureId;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct LabelsArgs {
    #[command(subcommand)]
    pub command: LabelsCommand,
}

#[derive(Debug, Subcommand)]
pub enum LabelsCommand {
    /// Makes a labels file of Neuronpedia's exports (batch-N.jsonl.gz) that lie in a folder
    Import(LabelsImport),
    /// Looks for words in a labels file, or for a feature: 12/9377
    Search(LabelsSearch),
    /// Shows what a labels file says of features
    Show(LabelsShow),
    /// Asks Neuronpedia about one feature of Gemma 2 2B's transcoders, and keeps the answer; only the feature's number is sent
    Fetch(LabelsFetch),
    /// Writes your own labels of a set as a labels file
    Export(LabelsExport),
    /// Takes a labels file into your own labels; where both have one, yours stays
    Merge(LabelsMerge),
}

#[derive(Debug, Args)]
pub struct LabelsImport {
    /// The folder; everything below it that ends in .jsonl or .jsonl.gz is read
    pub folder: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// When the exports were had: 2026-08-20
    #[arg(long)]
    pub date: String,
    /// Where they are from
    #[arg(long, default_value = "Neuronpedia")]
    pub source: String,
    /// Under which licence
    #[arg(long, default_value = "")]
    pub licence: String,
}

#[derive(Debug, Args)]
pub struct LabelsSearch {
    /// The labels file, or its address
    #[arg(long, value_name = "FILE")]
    pub labels: String,
    /// What to look for
    pub text: String,
    /// Labels to show at most
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub struct LabelsShow {
    /// The labels file, or its address
    #[arg(long, value_name = "FILE")]
    pub labels: String,
    /// LAYER.INDEX
    #[arg(required = true, value_name = "FEATURE")]
    pub features: Vec<FeatureId>,
}

#[derive(Debug, Args)]
pub struct LabelsFetch {
    /// LAYER.INDEX
    #[arg(value_name = "FEATURE")]
    pub feature: FeatureId,
}

#[derive(Debug, Args)]
pub struct LabelsExport {
    /// Of which set: gemma-2-2b/gemmascope-transcoder-16k
    #[arg(long)]
    pub set: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct LabelsMerge {
    /// Of which set: gemma-2-2b/gemmascope-transcoder-16k
    #[arg(long)]
    pub set: String,
    /// The labels file
    pub file: String,
}
