//! What to do about each error of this room, in the visitor's words.

use super::HubError;

impl HubError {
    /// What can be done about it, in the visitor's words.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => {
                "Check the folder or repository: it must hold config.json and the safetensors files of a model, or all files of its transcoders."
            }
            Self::NoFolder { .. } => "Check the path of the folder.",
            Self::TooManyFiles { .. } => {
                "Give the folder that holds the files itself, not one far above it."
            }
            Self::NoListing { .. } | Self::Listing { .. } => {
                "Put a files.json into the folder: a JSON array with the name of every file in it, such as \"layer_0/params.npz\"."
            }
            Self::Name { .. } => {
                "Files must lie in the model's own folder; take the checkpoint from its publisher again."
            }
            Self::Range { .. } | Self::Length { .. } => {
                "The file is shorter than it should be: download it again."
            }
            Self::TooLong { .. } => "Check that the address is that of the file that you mean.",
            Self::Memory { .. } => "Close other programs or tabs and try again.",
            Self::Io { .. } => "Check that the file may be read and that its disk is connected.",
            Self::NoRanges { .. } => {
                "Use a server that answers Range requests, such as a model hub or `cargo xtask serve`; if it does, a proxy before it is at fault."
            }
            Self::Changed { .. } => "Wait until the file is complete, then open the model again.",
            Self::Address { .. } => "Give a folder of the site that this page came from.",
            _ => self.remedy_of_hub(),
        }
    }

    /// The same for a repository of a hub.
    fn remedy_of_hub(&self) -> &'static str {
        match self {
            Self::Token { .. } => {
                "Copy the access token once more from the settings of your account; it starts with hf_."
            }
            Self::OffTable { .. } => {
                "Choose a repository of a server that this page knows (see About), or use the gemscope program, which may ask any server."
            }
            Self::NobodyTold => {
                "Read a labels file, or use an installation that asks Neuronpedia (see About)."
            }
            Self::RepoNotFound { .. } => {
                "Check the name, written OWNER/NAME. If the repository is private, give an access token that may read it."
            }
            Self::RevisionNotFound { .. } => {
                "Check the branch, tag or commit, or leave it out to take the main branch."
            }
            Self::Gated { .. } => {
                "Accept the licence on the repository's page, then give an access token of the same account; or choose unsloth/gemma-2-2b, which needs none."
            }
            Self::NotAccepted { .. } => {
                "Accept the licence on the repository's page with the account that the token belongs to, and check that the token is the right one and may read gated repositories."
            }
            Self::WrongToken { .. } => {
                "The token is mistyped, expired or revoked: make a new one in the settings of your account, or go on without one where none is needed."
            }
            Self::Answer { .. } => {
                "Check that the address is that of a model hub; try again later, since a fault may pass."
            }
            Self::NotData { .. } => {
                "Something between you and the server answers in its place, such as the sign-in page of a network: open any web page, sign in, then try again."
            }
            Self::OtherRange { .. } => {
                "A proxy may be at fault: try another network, or try again later. What is stored already is kept."
            }
            Self::Replaced { .. } => {
                "Open the repository again to take the file as it is now. What is stored already is kept."
            }
            Self::Refused { .. } => {
                "Try again later; if it stays, the storage of the repository does not let this network in. What is stored already is kept."
            }
            Self::RateLimited { .. } => {
                "Wait some minutes, then go on; with an access token the server allows more requests. What is stored already is kept."
            }
            Self::GaveUp { .. } => {
                "Check the connection, then go on. What is stored already is kept."
            }
            Self::NoNetwork { .. } => "Start the program again when the machine has less to do.",
            Self::Redirects { .. } => "Check the address of the repository and the server.",
            _ => "Check the connection and the server, then try again.",
        }
    }
}
